"""Does every cell match model.yaml? Pandera says what does not; this turns that into findings.

Pandera takes a quarter of a second to import, half of the step's start, and some milliseconds for a
batch. Good data, the usual case, does not meet it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from contract.derived import derive, derived_features, seconds
from contract.plan import Feature, Plan
from contract.problem import Problem
from contract.split import PLACE
from reading.batch import Batch
from reading.columns import KEY, ROW_NUMBER, SPLIT_BY, Layout, canonical_whole_numbers
from reading.digits import Digits
from reading.findings import RowProblems
from reading.times import NOT_A_TIME, WAYS, Times

if TYPE_CHECKING:
    import pandera.polars as pandera

# The largest 32-bit float, which is all the model sees.
LARGEST = 3.4028234663852886e38

_MISSING = "is missing"
_NOT_A_NUMBER = "is not a number"
_NOT_FINITE = "is not a finite number"
_NOT_A_DATE = "is not a date"
_NUL = "has a NUL byte"
_TOO_LARGE = "does not fit a 32-bit number"


class RowCheck:
    """Checks batches against the plan, removes the rows that fail and reports why.

    What the layout does not read is not checked: rows to score have no target and no split.
    """

    def __init__(
        self, plan: Plan, layout: Layout, problems: RowProblems, digits: Digits | None = None
    ) -> None:
        self.plan = plan
        self.layout = layout
        self.problems = problems
        self.digits = digits
        self.limits = {source.name: source for source in plan.sources}
        # Of these the last digits are wanted: a number is subtracted, or features.py computes.
        self.exact = {each.name for each in plan.sources if each.offset or plan.inputs}
        self.dates = [one for one in derived_features(plan) if one.part is not None]
        self.keys = {KEY.format(index): name for index, name in enumerate(plan.key)}
        decides = layout.split_by
        # Columns under names of their own, as text: they may be features too.
        self.copies = {**self.keys, **({} if decides is None else {SPLIT_BY: decides})}
        self.by_time = decides is not None and plan.split.time is not None
        self._known: dict[frozenset[str], _Rules] = {}

    def passed(self, batch: Batch) -> pl.DataFrame:
        """The good rows, typed: numbers Float32, everything else text.

        A number with an offset or for features.py stays Float64. Then come the parts of
        dates, row numbers, and if the layout has them, key columns and the column that decides the
        split, under their own names.
        """
        frame = batch.frame.with_columns(
            pl.col(name).cast(pl.String).alias(copy) for copy, name in self.copies.items()
        )
        frame, unparsed = self._parse_numbers(batch, frame)
        texts = (*self.layout.texts, *self.copies)
        frame = frame.select(*self.layout.numbers, *texts, *self.layout.dates)
        frame = canonical_whole_numbers(frame, texts)
        if self.by_time:
            frame, unparsed[SPLIT_BY] = self._read_times(batch, frame)
        bad = set().union(*unparsed.values(), self._undated(batch, frame))
        bad |= self._with_nul(batch, frame, texts)
        bad |= self._failing(batch, frame, unparsed)
        numbers = pl.Series(ROW_NUMBER, batch.rows, dtype=pl.UInt64)
        if bad:
            good = ~pl.int_range(frame.height, dtype=pl.Int64, eager=True).is_in(sorted(bad))
            frame, numbers = frame.filter(good), numbers.filter(good)
        if self.digits is not None:
            self.digits.add(frame)
        rounded = [name for name in self.layout.numbers if name not in self.exact]
        # In one piece: in how many a column was parsed depends on the machine's processors, and
        # shows in the bytes of a Parquet file.
        frame = frame.with_columns(pl.col(rounded).cast(pl.Float32)).rechunk()
        return derive(frame.with_columns(numbers.rechunk()), self.dates)

    def _failing(
        self, batch: Batch, frame: pl.DataFrame, unparsed: dict[str, set[int]]
    ) -> set[int]:
        """Test all rules at once; run pandera, which says what fails, only if one does."""
        rules = self._rules(batch.absent)
        if frame.select(rules.hold).item():
            return set()
        from pandera.errors import SchemaErrors

        try:
            rules.schema.validate(frame, lazy=True)
        except SchemaErrors as errors:
            return self._report(batch, frame, errors.failure_cases, unparsed)
        return set()

    def _rules(self, absent: frozenset[str]) -> _Rules:
        """The rules for files that lack these columns."""
        if absent not in self._known:
            self._known[absent] = _Rules.of(self.plan, self.layout, tuple(self.copies), absent)
        return self._known[absent]

    def _parse_numbers(
        self, batch: Batch, frame: pl.DataFrame
    ) -> tuple[pl.DataFrame, dict[str, set[int]]]:
        """Parse numbers that were read as text. Also return, by column, the positions of cells that
        are not numbers.
        """
        unparsed: dict[str, set[int]] = {}
        texts = [name for name in self.layout.numbers if frame.schema[name] == pl.String]
        parsed = frame.with_columns(self.layout.number_format.column(pl.col(texts)))
        for name in texts:
            wrong = (frame[name].is_not_null() & parsed[name].is_null()).arg_true().to_list()
            if wrong:
                unparsed[name] = set(wrong)
                self._add(batch, name, _NOT_A_NUMBER, wrong, frame[name])
        return parsed, unparsed

    def _undated(self, batch: Batch, frame: pl.DataFrame) -> set[int]:
        """Report texts that are no dates; return the positions of their rows."""
        bad: set[int] = set()
        for name in self.layout.dates:
            wrong = pl.col(name).is_not_null() & seconds(pl.col(name)).is_null()
            bad |= self._found(batch, name, _NOT_A_DATE, frame.select(wrong).to_series(), frame)
        return bad

    def _with_nul(self, batch: Batch, frame: pl.DataFrame, texts: Sequence[str]) -> set[int]:
        """Report texts with a NUL byte: they look like another category and are none."""
        bad: set[int] = set()
        if not texts or not batch.nul:
            return bad
        has = pl.col(texts).str.contains("\0", literal=True)
        for name, found in frame.select(has.any()).row(0, named=True).items():
            if found:
                bad |= self._found(batch, name, _NUL, frame.select(has)[name], frame)
        return bad

    def _found(
        self, batch: Batch, column: str, what: str, wrong: pl.Series, frame: pl.DataFrame
    ) -> set[int]:
        positions = wrong.arg_true().to_list()
        if positions:
            self._add(batch, column, what, positions, frame[column])
        return set(positions)

    def _read_times(self, batch: Batch, frame: pl.DataFrame) -> tuple[pl.DataFrame, set[int]]:
        """Add each row's time; also return the positions of cells that are none."""
        texts, times = frame[SPLIT_BY], Times.of(frame[SPLIT_BY]).values
        wrong = (texts.is_not_null() & times.is_null()).arg_true().to_list()
        if wrong:
            self._add(batch, SPLIT_BY, NOT_A_TIME, wrong, texts)
        return frame.with_columns(times.alias(PLACE)), set(wrong)

    def _report(
        self,
        batch: Batch,
        frame: pl.DataFrame,
        failures: pl.DataFrame,
        unparsed: dict[str, set[int]],
    ) -> set[int]:
        """Report what pandera found; return the positions of the failing rows."""
        bad: set[int] = set()
        for (name,), found in failures.group_by("column", maintain_order=True):
            column = str(name)
            positions = found["index"].cast(pl.Int64).unique().sort()
            values = frame[column].gather(positions)
            reasons = pl.DataFrame({"position": positions, "value": values}).with_columns(
                self._reason(column, values.dtype).alias("reason")
            )
            for (reason,), rows in reasons.group_by("reason", maintain_order=True):
                wrong = rows["position"].to_list()
                if reason == _MISSING:
                    # A cell that is not a number has already been reported as such.
                    wrong = [place for place in wrong if place not in unparsed.get(column, ())]
                if wrong:
                    self._add(batch, column, str(reason), wrong, frame[column])
                bad.update(wrong)
        return bad

    def _reason(self, column: str, dtype: pl.DataType) -> pl.Expr:
        value = pl.col("value")
        missing = pl.when(value.is_null()).then(pl.lit(_MISSING))
        if not dtype.is_numeric():
            return missing.otherwise(pl.lit("is not valid"))
        chain = missing.when(value.is_nan() | value.is_infinite()).then(pl.lit(_NOT_FINITE))
        limits = self._feature(column)
        if limits.minimum is not None:
            words = f"is below the minimum {limits.minimum:g}"
            chain = chain.when(value < limits.minimum).then(pl.lit(words))
        if limits.maximum is not None:
            words = f"is above the maximum {limits.maximum:g}"
            chain = chain.when(value > limits.maximum).then(pl.lit(words))
        return chain.otherwise(pl.lit(_TOO_LARGE))

    def _feature(self, name: str) -> Feature:
        return self.limits.get(name, Feature(name, "numeric"))

    def _add(
        self, batch: Batch, column: str, what: str, wrong: Sequence[int], cells: pl.Series
    ) -> None:
        name, fix = self.copies.get(column, column), self._fix(column, what)
        shown = wrong[: self.problems.wants(batch.file, name, what)]
        values = cells.gather(list(shown)).cast(pl.String).to_list()
        for place, value in zip(shown, values, strict=True):
            self.problems.add_row(
                Problem(
                    what,
                    fix,
                    batch.file,
                    batch.rows[place],
                    batch.line(place),
                    name,
                    None if what == _MISSING else value,
                )
            )
        if len(wrong) > len(shown):
            self.problems.add_row(
                Problem(what, fix, batch.file, column=name), len(wrong) - len(shown)
            )

    def _fix(self, column: str, what: str) -> str:
        if what == _NUL:
            return "remove the byte"
        if what == NOT_A_TIME:
            return f"write {WAYS}"
        if what == _NOT_A_DATE:
            return "write 2026-01-31 or 2026-01-31T12:00:00, or leave it empty if unknown"
        if what == _NOT_FINITE:
            return "correct it, leave it empty, or add it to data.null_values to read it as missing"
        if what != _MISSING:
            return "correct it, leave it empty if unknown, or change model.yaml"
        if column in self.keys:
            return "fill it in: every row needs a key"
        if column == SPLIT_BY:
            return "fill it in: split.by needs it in every row"
        if column == self.plan.target:
            return "fill it in, or remove the row"
        return "fill it in, or make the feature nullable in model.yaml"


def _nullable(plan: Plan, column: str) -> bool:
    """May this text be missing? A date may if every feature from it may."""
    users = [
        feature
        for feature in plan.sources
        if column == (feature.derive.column if feature.derive else feature.name)
    ]
    return bool(users) and all(feature.nullable for feature in users)


@dataclass(frozen=True)
class _Rule:
    """What a column's cells must be: numbers within bounds, or where there are none, text."""

    column: str
    nullable: bool
    bounds: tuple[float, float] | None = None

    @property
    def holds(self) -> pl.Expr:
        """Does it hold for every cell? One value, so that no mask of all rows is combined."""
        value, parts = pl.col(self.column), [pl.lit(True)]
        if self.bounds is not None:
            parts.append(value.is_between(*self.bounds).all())  # a missing one is in no range
        if not self.nullable:
            parts.append(value.null_count() == 0)
        return pl.all_horizontal(parts)


class _Rules:
    """The rules for a frame: one expression that is true if all hold, and one check a column."""

    def __init__(self, rules: Sequence[_Rule]) -> None:
        self.rules = rules
        self.hold = pl.all_horizontal(pl.lit(True), *(rule.holds for rule in rules))

    @cached_property
    def schema(self) -> pandera.DataFrameSchema:
        """Pandera's form of them."""
        import pandera.polars as pandera

        columns = {}
        for rule in self.rules:
            checks = [] if rule.bounds is None else [pandera.Check.in_range(*rule.bounds)]
            dtype = pl.String if rule.bounds is None else pl.Float64
            columns[rule.column] = pandera.Column(dtype, checks, nullable=rule.nullable)
        return pandera.DataFrameSchema(columns)

    @classmethod
    def of(cls, plan: Plan, layout: Layout, keys: Sequence[str], absent: frozenset[str]) -> _Rules:
        """A column that the file lacks may be without values, whatever model.yaml says."""
        limits = {source.name: source for source in plan.sources}
        rules = []
        for name in layout.numbers:
            feature = limits.get(name, Feature(name, "numeric", nullable=False))
            # One range for three rules: NaN is in no range, and infinity is outside every bound.
            # The number must fit with and without its offset.
            low = -math.inf if feature.minimum is None else feature.minimum
            high = math.inf if feature.maximum is None else feature.maximum
            low = max(low, -LARGEST, feature.offset - LARGEST)
            high = min(high, LARGEST, feature.offset + LARGEST)
            rules.append(_Rule(name, feature.nullable or name in absent, (low, high)))
        for name in (*layout.texts, *keys, *layout.dates):
            rules.append(_Rule(name, _nullable(plan, name) or name in absent))
        return cls(rules)
