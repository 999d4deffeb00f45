"""Judges each column: a feature, features from a date, or left out, and why."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.words.formats import percent
from kanmon.models.drafting.reading import (
    FORMATS,
    Reading,
    has_leading_zeros,
    numbers_in,
    other_dates,
    signed_amounts,
)
from kanmon.models.drafting.target import value_counts

if TYPE_CHECKING:
    import polars as pl

# Trees split one category from the rest; a column with more values is mostly names.
MOST_CATEGORIES = 200
# The parts of a date that are drafted, if they vary.
DRAFTED_PARTS = ("month", "weekday", "hour")


@dataclass(frozen=True)
class Column:
    """A feature: its kind, and what its values look like.

    offset: subtracted to keep digits. derive: what it is of a date, as {column, part, since}.
    """

    name: str
    kind: str
    seen: str
    offset: float | None = None
    derive: dict[str, str] | None = None


@dataclass(frozen=True)
class Ignored:
    """A column that is left out, and why."""

    name: str
    why: str


def judge_columns(reading: Reading, names: list[str]) -> tuple[list[Column], list[Ignored]]:
    """The features and the ignored columns among these."""
    features: list[Column] = []
    ignored: list[Ignored] = []
    taken = set(reading.frame.columns)
    for name in names:
        found = _judged(reading, name, taken)
        if isinstance(found, Ignored):
            ignored.append(found)
        else:
            features += found
            taken |= {column.name for column in found}
    return features, ignored


def _judged(reading: Reading, name: str, taken: set[str]) -> list[Column] | Ignored:
    values = reading.frame[name]
    known = values.drop_nulls()
    different = known.n_unique()
    if different == 0:
        return Ignored(name, "always missing")
    if different == 1:
        return Ignored(name, f"always {short(known[0])}")
    gaps = "" if len(known) == len(values) else f", {_share(values)} missing"
    numbers = reading.numbers(name)
    if numbers is not None:
        return [_number(numbers, gaps)]
    dates = reading.dates(name)
    if dates is not None:
        return _dated(dates, gaps, taken) or Ignored(name, "always the same date")
    return _text(known, different, gaps)


def _number(numbers: "pl.Series", gaps: str) -> Column:
    import polars as pl

    from contract.precision import loss_of

    low, high = float(numbers.min()), float(numbers.max())  # type: ignore[arg-type]
    loss = loss_of(numbers.cast(pl.Float64).drop_nulls())
    lost = "" if loss is None else f"; {loss}"
    if loss is not None and loss.offset is not None:
        lost += ", so an offset is subtracted first"
    seen = f"{low:.10g} to {high:.10g}" if loss else f"{low:g} to {high:g}"
    return Column(numbers.name, "numeric", f"{seen}{gaps}{lost}", loss.offset if loss else None)


def _dated(dates: "pl.Series", gaps: str, taken: set[str]) -> list[Column]:
    """The parts of a date that vary."""
    import polars as pl

    moments = pl.from_epoch(dates, "s")
    since = str(moments.dt.date().min())
    first, last = (str(moments.dt.date().min()), str(moments.dt.date().max()))
    columns = []
    if dates.n_unique() - (dates.null_count() > 0) > 1:
        seen = f"days from {first}, up to {last}{gaps}"
        rule = {"column": dates.name, "part": "days", "since": since}
        columns.append(Column(_free(f"{dates.name}_days", taken), "numeric", seen, derive=rule))
    for part in DRAFTED_PARTS:
        values = getattr(moments.dt, part)().drop_nulls()
        if values.n_unique() > 1:
            seen = f"{part} of {dates.name}, {values.min()} to {values.max()}"
            rule = {"column": dates.name, "part": part}
            columns.append(
                Column(_free(f"{dates.name}_{part}", taken), "numeric", seen, derive=rule)
            )
    return columns


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _text(known: "pl.Series", different: int, gaps: str) -> list[Column] | Ignored:
    name = known.name
    common = value_counts(known)
    example = short(common[0][0])
    signed = signed_amounts(known)
    if signed:
        advice = "write plain numbers in the data to use it"
        return Ignored(name, f"{signed}, such as {example}: {advice}")
    codes = has_leading_zeros(known)
    if not codes and any(numbers_in(known, each) is not None for each in FORMATS):
        return Ignored(
            name,
            f"numbers such as {example}, written unlike those of other columns: write all alike",
        )
    if other_dates(known):
        advice = "write 2026-01-31 in the data, and parts of it can be features"
        return Ignored(name, f"dates such as {example}: {advice}")
    if different > MOST_CATEGORIES or different > 0.5 * len(known) > 10:
        kind = "codes with leading zeros" if codes else "texts"
        words = f"{different:,} different {kind}: more like names than categories"
        return Ignored(name, words)
    more = ", …" if different > 4 else ""
    seen = f"{different} values: {', '.join(short(value) for value, _ in common[:4])}{more}{gaps}"
    if codes:
        zero = next(value for value, _ in common if value.strip().startswith("0"))
        seen += f"; codes: as a number, {short(zero)} would be {short(zero.strip().lstrip('0'))}"
    return [Column(name, "categorical", seen)]


def _share(values: "pl.Series") -> str:
    return percent(values.null_count() / len(values))


def short(value: object) -> str:
    """A value in a comment: printable, at most 24 characters."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(value))
    return text if len(text) <= 24 else f"{text[:23]}…"
