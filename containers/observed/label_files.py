"""Label files: what really happened, by the answered row's key or by its request.

A file (CSV, CSV.gz, Parquet) has the target, and the columns of the model's key; or without them
`request_id` and, for a request of several rows, `row`. Its other columns are ignored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from contract.plan import Plan
from contract.problem import Problem
from observed.tables import SomeColumns, batches, header_of
from reading.batch import Batch
from reading.columns import KEY, Layout, canonical_whole_numbers, named
from reading.findings import FileError

REQUEST, ROW, LABEL = "request_id", "row", "label"
# A file of this kind replaces the earlier labels of its rows: <name>.correction.<ending>.
CORRECTION = ".correction."
# So many problems are kept; the bad rows are all counted.
MOST_PROBLEMS = 1000

# A name of a column of the frame, what is wrong, how to fix it, and where it is so.
Rule = tuple[str, str, str, pl.Expr]


@dataclass(frozen=True)
class LabelFile:
    """A file on this disk, its name in messages, and when the stage received it."""

    path: Path
    name: str
    received: datetime


@dataclass
class Labels:
    """The good rows of label files, and what is wrong with the others.

    frame: `__key_<i>` or `request_id` and `row` (null where the file has the other), `label` (a
    number, or the text of a class), `received`, `file`, `file_row` (from 1), `correction`.
    rows: all that were read; `invalid` of them are bad. A file that cannot be read to its end gives
    no labels; it is one of `unreadable`.
    new_classes: rows by class that the release does not know.
    """

    frame: pl.DataFrame
    rows: int = 0
    invalid: int = 0
    problems: list[Problem] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    new_classes: Counter[str] = field(default_factory=Counter)


def is_correction(name: str) -> bool:
    """Does a file of this name replace earlier labels?

    >>> is_correction("may.correction.csv"), is_correction("may.csv"), is_correction("correction")
    (True, False, False)
    """
    return CORRECTION in name.lower().rpartition("/")[2]


def read(files: Iterable[LabelFile], plan: Plan, classes: Sequence[str] = ()) -> Labels:
    """Read label files. `classes` are those of the release: the only ones a binary label may be."""
    labels = Labels(pl.DataFrame(schema=schema(plan)))
    frames = [labels.frame]
    for file in files:
        held = Labels(labels.frame)
        try:
            frames += _frames(file, plan, classes, held)
            labels.rows += held.rows
            labels.invalid += held.invalid
            labels.new_classes += held.new_classes
        except FileError as error:
            labels.unreadable.append(file.name)
            held.problems += error.problems
        held.problems.sort(key=lambda problem: problem.row or 0)
        labels.problems += held.problems[: MOST_PROBLEMS - len(labels.problems)]
    labels.frame = pl.concat(frames)
    return labels


def schema(plan: Plan) -> dict[str, pl.DataType]:
    """The types of the columns of `Labels.frame`."""
    keys = {KEY.format(index): pl.String() for index in range(len(plan.key))}
    return {
        **keys,
        REQUEST: pl.String(),
        ROW: pl.Int64(),
        LABEL: pl.Float64() if plan.task == "regression" else pl.String(),
        "received": pl.Datetime("us", "UTC"),
        "file": pl.String(),
        "file_row": pl.Int64(),
        "correction": pl.Boolean(),
    }


def _frames(
    file: LabelFile, plan: Plan, classes: Sequence[str], held: Labels
) -> list[pl.DataFrame]:
    layout = _layout(file, plan)
    by_key = layout.key == plan.key
    names = {name: KEY.format(place) if by_key else name for place, name in enumerate(layout.key)}
    names[plan.target] = LABEL
    check = _Check(file, plan, classes, names, held)
    return [check.passed(batch) for batch in batches(file.path, file.name, layout, plan)]


# ---- Which columns


def _layout(file: LabelFile, plan: Plan) -> Layout:
    header = header_of(file.path, file.name, plan.delimiter)
    key = plan.key
    if REQUEST in header and not (key and set(key) <= set(header)):
        key = (REQUEST, ROW) if ROW in header else (REQUEST,)
    if header and not set(key) & set(header):
        wanted = f"the key's columns ({named(key)}) nor {REQUEST}" if key else REQUEST
        what = f"has neither {wanted}" if key else f"has no column {wanted}"
        raise FileError(
            Problem(
                f"{what}, only {named(dict.fromkeys(header))}",
                "add what says which answers the labels belong to",
                file.name,
            )
        )
    number = plan.task == "regression"
    target = (plan.target,)
    return SomeColumns(
        key, target if number else (), () if number else target, (), (), plan.number_format
    )


# ---- Which rows


class _Check:
    """Checks the rows of one file and counts what it finds in `held`."""

    def __init__(
        self,
        file: LabelFile,
        plan: Plan,
        classes: Sequence[str],
        names: Mapping[str, str],
        held: Labels,
    ) -> None:
        self.file = file
        self.plan = plan
        self.classes = classes
        self.names = names
        self.held = held
        self.shown = {alias: name for name, alias in names.items()}

    def passed(self, batch: Batch) -> pl.DataFrame:
        """The good rows of a batch."""
        self.held.rows += batch.frame.height + len(batch.lost)
        self.held.invalid += len(batch.lost)
        self._keep(batch.lost)
        given = batch.frame.select(pl.col(name).alias(alias) for name, alias in self.names.items())
        texts = [name for name, dtype in given.schema.items() if dtype == pl.String]
        given = canonical_whole_numbers(given, texts)
        frame = self._typed(given)
        rules = list(self._rules(given, frame))
        wrong = frame.select(
            rule.fill_null(False).alias(str(number)) for number, (_, _, _, rule) in enumerate(rules)
        )
        for number, (alias, what, fix, _) in enumerate(rules):
            self._report(batch, given, alias, what, fix, wrong[str(number)])
        bad = wrong.select(pl.any_horizontal(pl.all())).to_series()
        self.held.invalid += int(bad.sum())
        frame = frame.with_columns(pl.Series("file_row", batch.rows, pl.Int64)).filter(~bad)
        if self.plan.task == "multiclass" and self.classes:
            new = frame.filter(~pl.col(LABEL).is_in(list(self.classes)))[LABEL]
            self.held.new_classes.update(new.to_list())
        return self._complete(frame)

    def _typed(self, given: pl.DataFrame) -> pl.DataFrame:
        """With numbers where numbers belong, null where a text is none; texts beside them."""
        frame = given.with_columns(
            pl.col(name).alias(f"{name} as text")
            for name, dtype in given.schema.items()
            if dtype == pl.String
        )
        if self.plan.task == "regression" and given.schema[LABEL] == pl.String:
            frame = frame.with_columns(self.plan.number_format.column(pl.col(LABEL)))
        if ROW in given.columns:
            frame = frame.with_columns(pl.col(ROW).cast(pl.Int64, strict=False))
        return frame

    def _rules(self, given: pl.DataFrame, frame: pl.DataFrame) -> Iterator[Rule]:
        for alias in self.names.values():
            text = pl.col(f"{alias} as text")
            written = f"{alias} as text" in frame.columns
            empty = given[alias].is_null()
            if alias == ROW:
                wrong = text.is_not_null() & (pl.col(ROW).is_null() | (pl.col(ROW) < 0))
                yield alias, "is no row of a request", "write 0 for its first row", wrong
                continue
            fix = "fill it in, or remove the row"
            yield alias, "is missing", fix, pl.lit(empty) if frame.height else pl.lit(False)
            if written:
                has_nul = text.str.contains("\0", literal=True)
                yield alias, "has a NUL byte", "remove the byte", has_nul
        yield from self._value_rules(f"{LABEL} as text" in frame.columns)

    def _value_rules(self, written: bool) -> Iterator[Rule]:
        value = pl.col(LABEL)
        if self.plan.task == "regression":
            if written:
                text = pl.col(f"{LABEL} as text")
                nul = text.str.contains("\0", literal=True)
                wrong = text.is_not_null() & value.is_null() & ~nul
                yield LABEL, "is not a number", "correct it, or remove the row", wrong
            wrong = value.is_nan() | value.is_infinite()
            yield LABEL, "is not a finite number", "correct it, or remove the row", wrong
        elif self.plan.task == "binary" and self.classes:
            what = f"is not one of the model's classes ({named(self.classes)})"
            wrong = ~value.is_in(list(self.classes)) & ~value.str.contains("\0", literal=True)
            yield LABEL, what, "correct it, or remove the row", wrong

    def _report(
        self, batch: Batch, given: pl.DataFrame, alias: str, what: str, fix: str, wrong: pl.Series
    ) -> None:
        room = MOST_PROBLEMS - len(self.held.problems)
        for place in wrong.arg_true().head(room):
            value = None if given[alias][place] is None else str(given[alias][place])
            row, line = batch.rows[place], batch.line(place)
            name = self.shown[alias]
            self._keep([Problem(what, fix, self.file.name, row, line, name, value)])

    def _keep(self, problems: Sequence[Problem]) -> None:
        self.held.problems += problems[: MOST_PROBLEMS - len(self.held.problems)]

    def _complete(self, frame: pl.DataFrame) -> pl.DataFrame:
        """With all columns of labels."""
        types = schema(self.plan)
        if REQUEST in frame.columns:
            row = pl.col(ROW) if ROW in frame.columns else pl.lit(None, pl.Int64)
            frame = frame.with_columns(row.fill_null(0).alias(ROW))
        absent = [name for name in types if name not in frame.columns]
        frame = frame.with_columns(pl.lit(None, types[name]).alias(name) for name in absent)
        return frame.with_columns(
            pl.lit(self.file.received).cast(types["received"]).alias("received"),
            pl.lit(self.file.name).alias("file"),
            pl.lit(is_correction(self.file.name)).alias("correction"),
        ).select(pl.col(name).cast(dtype) for name, dtype in types.items())
