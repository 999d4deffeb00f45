"""Drafts a model from a table: task, key, kinds of features, missing values, gate thresholds.

A first draft for a person to read and change. Every guess has its reason.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kanmon.errors import BadInputError
from kanmon.models.drafting.sample import Sample, number_words, read_sample
from kanmon.models.drafting.splits import suspected_splits
from kanmon.models.drafting.target import Target, counted, judge_target

if TYPE_CHECKING:
    import polars as pl

# Words for "missing" in any column, and words that mean it only among numbers.
ALWAYS_MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null"]
MISSING_AMONG_NUMBERS = ["?", "-", ".", "None", "none", "missing", "unknown"]
KEY_NAME = re.compile(r"(^|[_\W])(id|key|uuid|guid|no|nr|index)$|[a-z](Id|ID|Key)$", re.I)
# Trees split one category from the rest; a column with more values is mostly names.
MOST_CATEGORIES = 200
MOST_SEGMENT_VALUES = 8


@dataclass(frozen=True)
class Column:
    """A feature: its kind, and what its values look like."""

    name: str
    kind: str
    seen: str


@dataclass(frozen=True)
class Ignored:
    """A column that is left out, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Draft:
    """The content of a drafted model.yaml."""

    name: str
    source: str
    rows: int
    delimiter: str
    null_values: list[str]
    key: list[str]
    target: Target
    features: list[Column]
    ignored: list[Ignored]
    segments: list[str]
    notes: list[str] = field(default_factory=list)

    @property
    def task(self) -> str:
        """regression, binary or multiclass."""
        return self.target.task


def draft_model(
    name: str,
    source: Path,
    target: str,
    *,
    task: str | None = None,
    positive: str | None = None,
    keys: list[str] | None = None,
) -> Draft:
    """Draft a model from a table. Raises BadInputError if the table cannot train one."""
    from preprocess.columns import canonical_whole_numbers

    sample = read_sample(source)
    sample.require([target, *(keys or [])])
    missing = missing_words(sample.frame)
    # Spelled as in a run, so that the draft has the values, classes and keys that the run sees.
    frame = sample.frame.with_columns(_without(missing))
    frame = canonical_whole_numbers(frame, frame.columns)
    judged = judge_target(frame[target], target, task, positive)
    others = [column for column in frame.columns if column != target]
    key = _checked_keys(frame, keys) if keys else _likely_key(frame, others)
    features, ignored = _columns(frame, [column for column in others if column not in key])
    if not features:
        raise BadInputError(
            f"{source} has no column that could be a feature, besides {target}",
            "Use a table with columns to learn from.",
        )
    return Draft(
        name,
        source.name,
        frame.height,
        sample.delimiter,
        missing,
        key,
        judged,
        features,
        [*_odd(sample), *ignored],
        _segments(frame, features),
        [*_notes(sample, judged, key), *suspected_splits(frame, others, key)],
    )


def _odd(sample: Sample) -> list[Ignored]:
    return [
        Ignored(name, f"of type {dtype}: neither numbers nor text")
        for name, dtype in sample.odd.items()
    ]


def missing_words(frame: "pl.DataFrame") -> list[str]:
    """The words for "missing" in this table; the usual two are always included."""
    found = {"", "NA"}
    for column in frame.columns:
        values = set(frame[column].drop_nulls().unique().to_list())
        found |= values & set(ALWAYS_MISSING)
        odd = values & set(MISSING_AMONG_NUMBERS)
        rest = values - odd - set(ALWAYS_MISSING)
        if odd and rest and all(number_words(value) for value in rest):
            found |= odd
    order = [*ALWAYS_MISSING, *MISSING_AMONG_NUMBERS]
    return sorted(found, key=order.index)


def _without(missing: list[str]) -> "pl.Expr":
    import polars as pl

    return pl.when(~pl.all().is_in(missing)).then(pl.all())


def _checked_keys(frame: "pl.DataFrame", keys: list[str]) -> list[str]:
    repeated = frame.height - frame.select(keys).n_unique()
    if repeated:
        raise BadInputError(
            f"{', '.join(keys)} does not identify a row: {repeated:,} rows repeat another's",
            "Name more columns with --key, or omit it.",
        )
    return keys


def _likely_key(frame: "pl.DataFrame", columns: list[str]) -> list[str]:
    for column in columns:
        values = frame[column]
        if (
            KEY_NAME.search(column)
            and values.null_count() == 0
            and values.n_unique() == len(values)
        ):
            return [column]
    return []


def _columns(frame: "pl.DataFrame", names: list[str]) -> tuple[list[Column], list[Ignored]]:
    features, ignored = [], []
    for name in names:
        found = _column(frame[name])
        if isinstance(found, Column):
            features.append(found)
        else:
            ignored.append(found)
    return features, ignored


def _column(values: "pl.Series") -> Column | Ignored:
    import polars as pl

    known = values.drop_nulls()
    different = known.n_unique()
    if different == 0:
        return Ignored(values.name, "always missing")
    if different == 1:
        return Ignored(values.name, f"always {_short(known[0])}")
    gaps = "" if values.null_count() == 0 else f", {values.null_count() / len(values):.1%} missing"
    numbers = known.cast(pl.Float64, strict=False)
    if numbers.null_count() == 0 and numbers.is_finite().all():
        low, high = float(numbers.min()), float(numbers.max())  # type: ignore[arg-type]
        return Column(values.name, "numeric", f"{low:g} to {high:g}{gaps}")
    if different > MOST_CATEGORIES or different > 0.5 * len(known) > 10:
        return Ignored(
            values.name, f"{different:,} different texts: more like names than categories"
        )
    common = [value for value, _ in counted(known)[:4]]
    more = ", …" if different > len(common) else ""
    seen = ", ".join(_short(value) for value in common)
    return Column(values.name, "categorical", f"{different} values: {seen}{more}{gaps}")


def _short(value: object) -> str:
    text = "".join(letter if letter.isprintable() else "?" for letter in str(value))
    return text if len(text) <= 24 else f"{text[:23]}…"


def _segments(frame: "pl.DataFrame", features: list[Column]) -> list[str]:
    """The first categorical feature with few values, to start with."""
    for column in features:
        if column.kind == "categorical" and frame[column.name].n_unique() <= MOST_SEGMENT_VALUES:
            return [column.name]
    return []


def _notes(sample: Sample, target: Target, key: list[str]) -> list[str]:
    notes = list(target.notes)
    if sample.cut:
        notes.append(f"only the first {sample.frame.height:,} rows were read")
    if key:
        notes.append(f"rows are identified by {', '.join(key)}")
    if sample.frame.height < 200:
        notes.append(f"{sample.frame.height} rows are few: the test share decides on very little")
    return notes
