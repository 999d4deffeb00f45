"""Which columns the run needs, and one text for values that mean the same.

The same row must have the same hash, whether it comes from CSV or Parquet. So numbers are numbers,
and a whole number has one text: 1, "1" and 1.0 all become "1" in keys, categories and classes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from contract.number_format import PLAIN, NumberFormat
from contract.plan import Plan
from contract.problem import Problem, shown
from contract.whole_numbers import WHOLE

# Columns of checked rows under names of their own, because a key may also be a feature: the key's
# columns, the row's number in its file, and the group's or time's column, which is text.
KEY = "__key_{}"
ROW_NUMBER = "__row_number"
SPLIT_BY = "__split_by"

# From this similarity on (1 is equal), one name counts as a misspelling of the other.
ALIKE = 0.7
MOST_NAMED = 5


@dataclass(frozen=True)
class Layout:
    """The columns a step reads, by role. A column of `numbers` may be read as text, then cast.

    key: what identifies a row or decides its part, which is read as text.
    ignore: what a file may have besides; None allows every other column.
    split_by: the column that decides a row's part, where rows are split.
    optional: columns that a file may lack; all their cells are then missing.
    by_query: the files are what gather.sql gave, which have the same columns and no names of ours.
    """

    key: tuple[str, ...]
    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    ignore: tuple[str, ...] | None
    dates: tuple[str, ...] = ()
    number_format: NumberFormat = PLAIN
    split_by: str | None = None
    optional: frozenset[str] = frozenset()
    by_query: bool = False

    @classmethod
    def of(cls, plan: Plan) -> Layout:
        """What a run reads: features, target, key and what decides the split."""
        numbers, texts, dates = _sources(plan)
        (numbers if plan.task == "regression" else texts).append(plan.target)
        decides = () if plan.split.column is None else (plan.split.column,)
        return cls(
            key=tuple(dict.fromkeys((*plan.key, *decides))),
            numbers=tuple(numbers),
            texts=tuple(texts),
            ignore=plan.ignore,
            dates=tuple(dates),
            number_format=plan.number_format,
            split_by=plan.split.column,
            by_query=plan.by_query,
        )

    @classmethod
    def to_score(cls, plan: Plan, allow_missing: Iterable[str] = ()) -> Layout:
        """What scoring reads: features and key. The target and other columns do not matter.

        allow_missing: features or inputs, or columns they come from, that a file may lack.
        """
        numbers, texts, dates = _sources(plan)
        return cls(
            key=plan.key,
            numbers=tuple(numbers),
            texts=tuple(texts),
            ignore=None,
            dates=tuple(dates),
            number_format=plan.number_format,
            optional=_allowed(plan, frozenset(allow_missing)),
        )

    def only(self, column: str) -> Layout:
        """The same files, of which one column is read, as text."""
        others = (*self.needed, *(self.ignore or ()))
        ignore = tuple(name for name in others if name != column)
        return Layout((column,), (), (), ignore, by_query=self.by_query)

    @property
    def needed(self) -> tuple[str, ...]:
        """Every column that is read, named once. A file may lack only the optional ones."""
        return tuple(dict.fromkeys((*self.key, *self.numbers, *self.texts, *self.dates)))

    def absent(self, header: Iterable[str]) -> frozenset[str]:
        """The optional columns that a file with this header lacks."""
        return self.optional.difference(header)

    def missing(self, absent: Iterable[str]) -> list[pl.Expr]:
        """Columns without a value in place of those that a file lacks."""
        numbers = set(self.numbers) - set(self.key)
        return [
            pl.lit(None, pl.Float64 if name in numbers else pl.String).alias(name)
            for name in sorted(absent)
        ]

    def csv_schema(self, header: Sequence[str]) -> dict[str, pl.DataType]:
        """The types to parse a CSV's columns with: numbers as numbers, everything else as text.

        Polars reads numbers as most data has them. In another format they are texts, parsed later.
        """
        numbers = set(self.numbers) - set(self.key) if self.number_format.plain else set()
        return {name: pl.Float64() if name in numbers else pl.String() for name in header}

    def check_header(self, file: str, header: Sequence[str]) -> Iterable[Problem]:
        """Find missing, unknown and repeated columns."""
        file = "gather.sql" if self.by_query else file
        missing = [name for name in self.needed if name not in {*header, *self.optional}]
        known = {*self.needed, *(self.ignore or ())}
        extra = [name for name in dict.fromkeys(header) if name not in known]
        if len(missing) > 1 and not any(name in header for name in self.needed):
            wanted, found = named(self.needed), named(dict.fromkeys(header))
            what = f"has none of the model's columns ({wanted}), only {found}"
            yield Problem(
                what,
                "rename its columns or change model.yaml"
                if self.by_query
                else "if it is another model's file, remove it; else rename its columns or change "
                "model.yaml",
                file,
            )
            return
        add = "select it there" if self.by_query else "add it to the file"
        for name in missing:
            alike = difflib.get_close_matches(name, extra, n=1, cutoff=ALIKE)
            hint = f"it has {alike[0]!r}: rename one of them" if alike else add
            change = "change model.yaml" if self.ignore is not None else self._allow(name)
            yield Problem("is missing", f"{hint}, or {change}", file, column=name)
        for name in extra if self.ignore is not None else ():
            yield Problem(
                "is not in model.yaml",
                "add it to features or ignore, or do not select it"
                if self.by_query
                else "add it to features or ignore, or remove it from the file",
                file,
                column=name,
            )
        for name in dict.fromkeys(name for name in header if header.count(name) > 1):
            yield Problem("is in the header more than once", "rename one", file, column=name)

    def _allow(self, name: str) -> str:
        if name in self.key:
            return "score with a release whose key does not have it"
        return f"score without it with `--allow-missing {name}`"


def _sources(plan: Plan) -> tuple[list[str], list[str], list[str]]:
    """The columns that features, or the inputs of features.py, are: numbers, texts and dates."""
    read = [source for source in plan.sources if source.derive is None]
    numbers = [source.name for source in read if source.kind == "numeric"]
    texts = [source.name for source in read if source.kind == "categorical"]
    dates = dict.fromkeys(each.derive.column for each in plan.sources if each.derive)
    return numbers, texts, list(dates)


def _allowed(plan: Plan, names: frozenset[str]) -> frozenset[str]:
    """The columns that a file may lack: those named, or with all features from them named."""
    users: dict[str, list[str]] = {}
    for feature in plan.sources:
        column = feature.derive.column if feature.derive else feature.name
        users.setdefault(column, []).append(feature.name)
    allowed = {name for name, features in users.items() if name in names or names >= {*features}}
    return frozenset(allowed - {*plan.key})


def named(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - MOST_NAMED} more" if len(every) > MOST_NAMED else ""
    return ", ".join(shown(name) for name in every[:MOST_NAMED]) + more


def canonical_whole_numbers(frame: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """Remove the trailing ".0" of whole numbers in these text columns."""
    # This check is far cheaper than the regular expression, and rarely finds any.
    columns = list(columns)
    if not columns:
        return frame
    found = frame.select(pl.col(columns).str.ends_with(".0").any()).row(0, named=True)
    wanted = [name for name, has in found.items() if has]
    return frame.with_columns(pl.col(wanted).str.replace(WHOLE, "$1")) if wanted else frame


def as_text(column: str, dtype: pl.DataType) -> pl.Expr | None:
    """A Parquet column as text, or None if its type has no unique text form."""
    value = pl.col(column)
    if dtype == pl.String:
        return value
    if dtype.is_integer() or dtype == pl.Boolean or dtype in (pl.Categorical, pl.Enum):
        return value.cast(pl.String)
    if dtype.is_decimal():
        # Digit by digit: as a float, long keys would become one. A fraction ends in no 0.
        text = value.cast(pl.String)
        fraction = text.str.contains(".", literal=True)
        return pl.when(fraction).then(text.str.replace(r"\.?0+$", "")).otherwise(text)
    if dtype.is_float():
        # Adding 0.0 turns -0.0 into 0.0.
        number = value.cast(pl.Float64) + 0.0
        whole = number.is_finite() & (number == number.floor()) & (number.abs() < 2**53)
        return (
            pl.when(whole)
            .then(number.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(number.cast(pl.String))
        )
    if dtype in (pl.Date, pl.Datetime):
        return value.cast(pl.String)
    return None


def as_date(column: str, dtype: pl.DataType) -> pl.Expr | None:
    """A Parquet column as the text of dates, or None if it has none."""
    return as_text(column, dtype) if dtype in (pl.String, pl.Date, pl.Datetime) else None


def as_number(column: str, dtype: pl.DataType) -> pl.Expr | None:
    """A Parquet column as numbers. Text stays text, to be parsed; None if it is neither."""
    value = pl.col(column)
    if dtype == pl.String:
        return value
    if dtype.is_numeric() or dtype == pl.Boolean:
        return value.cast(pl.Float64)
    return None
