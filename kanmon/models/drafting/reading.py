"""How a table's cells are read: the words for missing values, the format of numbers, dates.

Numbers and dates are recognised by the code that Preprocess reads them with.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from contract.number_format import PLAIN, NumberFormat

if TYPE_CHECKING:
    import polars as pl

    from kanmon.models.drafting.sample import Sample

# Words for "missing" in any column, and words that mean it only among numbers or dates.
ALWAYS_MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null"]
MISSING_AMONG_NUMBERS = ["?", "-", ".", "None", "none", "missing", "unknown"]
INFINITE = re.compile(r"[+-]?inf(inity)?", re.I)
# The likeliest first. Groups of three digits decide between 1,234 and 1,5; so does a leading 0.
FORMATS = (
    PLAIN,
    NumberFormat(".", ","),
    NumberFormat(".", "'"),
    NumberFormat(".", "\u2019"),
    NumberFormat(".", " "),
    NumberFormat(","),
    NumberFormat(",", "."),
    NumberFormat(",", " "),
    NumberFormat(",", "\u00a0"),
    NumberFormat(",", "\u202f"),
)
_CURRENCY = "[$€£¥₹₩]|\\b(?:USD|EUR|GBP|JPY|CHF|CNY|INR|AUD|CAD)\\b"
# Dates that are not ISO 8601, such as 31.12.2026, 12/31/26, 2026/12/31 and 5 Jan 2026.
OTHER_DATE = re.compile(
    r"\d{1,2}([./-])\d{1,2}\1(\d{4}|\d{2})\b.*|\d{4}([./])\d{1,2}\3\d{1,2}\b.*"
    r"|\d{1,2}[ -][A-Za-z]{3,9}\.?[ -]\d{2,4}\b.*|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}\b.*"
)
_DISTINCT = 2_000


@dataclass(frozen=True)
class Reading:
    """A table with its missing values empty. `infinite` counts the rows with inf, by column."""

    frame: "pl.DataFrame"
    missing: list[str]
    number_format: NumberFormat
    typed: frozenset[str] = frozenset()
    infinite: dict[str, int] = field(default_factory=dict)

    @cached_property
    def _numbers(self) -> dict[str, "pl.Series | None"]:
        return {}

    def numbers(self, name: str) -> "pl.Series | None":
        """The column as numbers; None if it holds anything else, or codes."""
        if name not in self._numbers:
            column = self.frame[name]
            number_format = PLAIN if name in self.typed else self.number_format
            self._numbers[name] = numbers_in(column, number_format, name in self.typed)
        return self._numbers[name]

    def dates(self, name: str) -> "pl.Series | None":
        """The seconds since 1970 of a column of dates; None if it holds anything else."""
        import polars as pl

        from contract.derived import seconds

        column = self.frame[name]
        if column.null_count() == len(column):
            return None
        found = self.frame.select(seconds(pl.col(name)).alias(name))[name]
        return found if found.null_count() == column.null_count() else None


def read(sample: "Sample") -> Reading:
    """Recognise words for missing values and the format of numbers."""
    import polars as pl

    from reading.columns import canonical_whole_numbers

    missing = missing_words(sample.frame, sample.numeric)
    infinite = [word for word in missing if INFINITE.fullmatch(word)]
    counts = sample.frame.select(pl.all().is_in(infinite).sum()).row(0, named=True)
    frame = sample.frame.with_columns(pl.when(~pl.all().is_in(missing)).then(pl.all()))
    # Spelled as in a run, so that the draft has the values, classes and keys that the run sees.
    frame = canonical_whole_numbers(frame, frame.columns)
    texts = [frame[name] for name in frame.columns if name not in sample.numeric]
    return Reading(
        frame,
        missing,
        number_format_of(texts),
        sample.numeric,
        {name: count for name, count in counts.items() if infinite and count},
    )


def missing_words(frame: "pl.DataFrame", numeric: Iterable[str] = ()) -> list[str]:
    """The words for "missing" in this table; the usual two are always included."""
    found = {"", "NA"}
    for column in frame.columns:
        values = set(frame[column].drop_nulls().unique().to_list())
        always = {value for value in values if value.strip() in ALWAYS_MISSING}
        found |= always
        odd = {value for value in values - always if _odd(value.strip())}
        rest = values - odd - always
        if odd and (column in numeric or (rest and all(map(_number_or_date, rest)))):
            found |= odd
    order = [*ALWAYS_MISSING, *MISSING_AMONG_NUMBERS]
    return sorted(found, key=lambda word: (order.index(word) if word in order else 99, word))


def _odd(word: str) -> bool:
    return word in MISSING_AMONG_NUMBERS or bool(INFINITE.fullmatch(word))


def _number_or_date(text: str) -> bool:
    return bool(re.match(r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}", text)) or any(
        number_format.number(text) is not None for number_format in FORMATS
    )


def number_format_of(columns: "Iterable[pl.Series]") -> NumberFormat:
    """The format in which most columns are numbers."""
    written = [
        column.drop_nulls().unique(maintain_order=True).head(_DISTINCT) for column in columns
    ]
    written = [column for column in written if len(column)]
    counts = [
        sum(numbers_in(column, number_format) is not None for column in written)
        for number_format in FORMATS
    ]
    return FORMATS[counts.index(max(counts, default=0))] if counts else PLAIN


def numbers_in(
    column: "pl.Series", number_format: NumberFormat, typed: bool = False
) -> "pl.Series | None":
    """The column as numbers; None if a value is none, or all are codes with leading zeros."""
    import polars as pl

    name = column.name or "value"
    frame = column.alias(name).to_frame()
    numbers = frame.select(number_format.column(pl.col(name)))[name]
    if numbers.null_count() > column.null_count() or column.null_count() == len(column):
        return None
    if not typed and (not numbers.drop_nulls().is_finite().all() or has_leading_zeros(column)):
        return None
    return numbers


def has_leading_zeros(column: "pl.Series") -> bool:
    """Are these whole numbers, of which some begin with a 0 that a number would lose?"""
    known = column.drop_nulls().str.strip_chars()
    return bool(known.str.contains(r"^0[0-9]+$").any() and known.str.contains(r"^[0-9]+$").all())


def signed_amounts(column: "pl.Series") -> str | None:
    """The words for numbers with a currency or percent sign; None if they are none."""
    known = column.drop_nulls().unique(maintain_order=True).head(_DISTINCT).to_list()
    for sign, words in ((_CURRENCY, "amounts with a currency"), ("%", "percentages with a sign")):
        bare = [re.sub(sign, "", value) for value in known]
        plain = known and all(b != v for b, v in zip(bare, known, strict=True))
        if plain and any(
            all(number_format.number(text) is not None for text in bare)
            for number_format in FORMATS
        ):
            return words
    return None


def other_dates(column: "pl.Series") -> bool:
    """Are these dates that are not written as 2026-12-31?"""
    known = column.drop_nulls().unique(maintain_order=True).head(_DISTINCT).to_list()
    return bool(known) and all(OTHER_DATE.fullmatch(value.strip()) for value in known)
