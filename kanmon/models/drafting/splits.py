"""Suspects that rows do not stand alone: ids that repeat, and times that rows grow with."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

# What is often behind several rows.
OWNER = re.compile(
    r"(^|[_\W])(id|uuid|guid|no|nr|user|customer|client|patient|account|member|device|machine|"
    r"sensor|store|shop|household|subject|driver|vehicle|product|session)s?$|[a-z](Id|ID)$",
    re.I,
)
TIME = re.compile(r"(^|[_\W])(date|time|timestamp|datetime|year|month|week|day)$|_at$", re.I)
FEWEST_OWNERS = 10
FIRST_ROWS = 100
# A name that YAML reads as one without quotes.
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Rows of one owner, on average, and at most this share of all rows.
FEWEST_ROWS = 1.5
LARGEST_SHARE = 0.2


def suspected_splits(
    frame: "pl.DataFrame", names: list[str], key: list[str], ignored: Iterable[str] = ()
) -> Iterator[str]:
    """A note for each column, read as text, that split.by should perhaps name.

    A column is not both in split.by and ignored, so the note of an ignored one says so.
    """
    left_out = set(ignored)
    for name in names:
        values = frame[name]
        if values.null_count() or (key == [name]):
            continue
        if OWNER.search(name) and _repeats(values):
            yield (
                f"{name} repeats ({values.n_unique():,} values in {len(values):,} rows): where "
                "rows of one resemble each other, keep them together with "
                f"split: {_by('group', name)}{_not_ignored(name in left_out)}"
            )
        elif words := _times(name, values):
            yield (
                f"{name} {words}: to test on the latest rows, split: {_by('time', name)}"
                f"{_not_ignored(name in left_out)}"
            )


def _not_ignored(ignored: bool) -> str:
    return ", without it in ignore" if ignored else ""


def _by(kind: str, name: str) -> str:
    written = name if PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)
    return f"{{…, by: {{{kind}: {written}}}}}"


def _repeats(values: "pl.Series") -> bool:
    owners = values.n_unique()
    if owners < FEWEST_OWNERS or len(values) < FEWEST_ROWS * owners:
        return False
    most = values.alias("value").value_counts()["count"].max()
    return isinstance(most, int) and most <= LARGEST_SHARE * len(values)


def _times(name: str, values: "pl.Series") -> str:
    """What is said of a column of times; empty for any other.

    Dates are times in any order of rows. Numbers are only where the name says so and they grow.
    """
    from reading.times import Times, written

    if Times.of(values.head(FIRST_ROWS)).values.null_count():
        return ""  # most columns, without reading all of them
    times = Times.of(values)
    if len(times.kinds) != 1 or times.values.null_count() or times.values.n_unique() < 3:
        return ""
    grows = times.values.is_sorted()
    dates = times.kinds == {"dates"}
    if not dates and not (TIME.search(name) and grows):
        return ""
    ordered = times.values.sort()
    span = " to ".join(written(float(end), times.kinds) for end in (ordered[0], ordered[-1]))
    return f"is a time ({span}){', and the rows grow with it' if grows else ''}"
