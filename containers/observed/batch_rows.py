"""The rows that a batch scored, with their scores, in the form of observed.form.

Nothing is copied: the features come from the batch's own objects, read and checked as the score
step did, the rest from the scores that it wrote. A row that was rejected has no scores and is left
out.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from contract.plan import Plan
from contract.problem import Problem
from observed.form import FACTS, PREDICTION, Form, scores_among
from reading.batch import Batch, gathered
from reading.columns import ROW_NUMBER, Layout
from reading.csv_reader import read_csv
from reading.memory import MemoryBudget
from reading.parquet_reader import is_parquet, read_parquet
from reading.source import DataObject, SourceFile, common_folder
from reading.validation import RowCheck

Compute = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class ScoredBatch:
    """A batch's plan.json, and its objects and scores on this disk.

    objects: files named by their keys, in the versions that were scored.
    """

    document: Mapping[str, Any]
    objects: Sequence[SourceFile]
    scores: Sequence[Path]


def frames(batch: ScoredBatch, compute: Compute | None = None) -> Iterator[pl.DataFrame]:
    """The scored rows, some at a time. `compute` adds the features of the model's features.py.

    A row's identity is (request_id, row): the batch with the file, and the row in the file from 1.
    Its time is when the batch was asked for. Raises FileError if an object cannot be read.
    """
    document = batch.document
    plan = Plan.from_document(document)
    form, read = Form(plan, private=True), _reader(plan, document)
    at = datetime.datetime.fromisoformat(document["asked_at"]).astimezone(datetime.UTC)
    facts = {"at": at, "day": at.date(), "release": int(document["release"]["number"])}
    scores = _Scores(batch.scores, form)
    for file, name in _in_order_of_scores(batch, scores):
        asked = {**facts, "request_id": f"{document['batch']}/{name}"}
        for rows in read(file, name):
            answers = scores.of(name, rows[ROW_NUMBER])
            if answers is not None:
                yield _joined(rows if compute is None else compute(rows), answers, form, asked)


def key_columns(columns: Sequence[str], key: Sequence[str]) -> dict[str, str]:
    """The columns of scores with the key, by its names in the data: they come first, and one named
    like a column of ours has another name.

    >>> key_columns(["id", "row_key", "file", "row"], ["id", "row"])
    {'id': 'id', 'row': 'row_key'}
    """
    return dict(zip(key, columns[: columns.index("file")], strict=True))


def _in_order_of_scores(batch: ScoredBatch, scores: _Scores) -> Iterable[tuple[SourceFile, str]]:
    """The files that have scores, with their names there: the ends of their keys, below the
    objects' common folder. Files with the same scores' files follow each other."""
    every = [
        DataObject("", one["key"], one["version_id"], int(one["size"]))
        for one in batch.document["objects"]
    ]
    prefix = common_folder(every)
    named = ((file, file.name.removeprefix(prefix)) for file in batch.objects)
    found = [(file, name) for file, name in named if name in scores.places]
    return sorted(found, key=lambda one: (scores.paths(one[1]), one[1]))


@dataclass(frozen=True)
class _Place:
    """A file of scores, and from which row of a scored file to which it goes."""

    first: int
    last: int
    path: Path


class _Scores:
    """The scores by the files they are of. In memory are only the files of scores that have the
    rows asked for last, so a scored file may have any number of rows."""

    def __init__(self, paths: Iterable[Path], form: Form) -> None:
        self.form = form
        self.places: dict[str, list[_Place]] = {}
        row = pl.col("row")
        for path in paths:
            rows = pl.read_parquet(path, columns=["file", "row"], glob=False)
            ends = rows.group_by("file").agg(row.min().alias("first"), row.max().alias("last"))
            for name, first, last in ends.iter_rows():
                self.places.setdefault(name, []).append(_Place(first, last, path))
        for places in self.places.values():
            places.sort(key=lambda one: one.first)
        self._open: dict[Path, dict[str, pl.DataFrame]] = {}

    def paths(self, name: str) -> list[Path]:
        """The files with a file's scores, in the order of its rows."""
        return [one.path for one in self.places[name]]

    def of(self, name: str, rows: pl.Series) -> pl.DataFrame | None:
        """The scores of a file, at least those of these rows, which are in ascending order; None
        if there are none."""
        if not len(rows):
            return None
        first, last = rows[0], rows[-1]
        wanted = [one.path for one in self.places[name] if one.first <= last and one.last >= first]
        if not wanted:
            return None
        self._open = {
            path: self._open[path] if path in self._open else self._read(path) for path in wanted
        }
        return pl.concat([parts[name] for parts in self._open.values()])

    def _read(self, path: Path) -> dict[str, pl.DataFrame]:
        """The scores of each file in a file of scores."""
        scan = pl.scan_parquet(path, glob=False)
        columns = scan.collect_schema().names()
        # The key's columns come before, under names of the data.
        ours = columns[columns.index("file") :]
        predicted = pl.Float64() if self.form.regression else pl.String()
        scores = scan.select(
            "file",
            pl.col("row").cast(pl.UInt64).alias(ROW_NUMBER),
            pl.col(PREDICTION).cast(predicted),
            *(pl.col(name).cast(pl.Float64) for name in scores_among(ours)),
        ).collect()
        parts = scores.partition_by("file", as_dict=True, include_key=False)
        return {str(name): part for (name,), part in parts.items()}


def _joined(
    rows: pl.DataFrame, answers: pl.DataFrame, form: Form, facts: Mapping[str, Any]
) -> pl.DataFrame:
    chosen = rows.select(ROW_NUMBER, *form.checked()).join(
        answers, on=ROW_NUMBER, how="inner", maintain_order="left"
    )
    known = {name: pl.lit(value, FACTS[name]).alias(name) for name, value in facts.items()}
    known["row"] = pl.col(ROW_NUMBER).cast(FACTS["row"]).alias("row")
    return chosen.select(*(known[name] for name in FACTS), pl.exclude(ROW_NUMBER))


class _Unreported:
    """Problems of rows: the batch has reported them."""

    def wants(self, file: str, column: str | None, what: str) -> int:
        return 0

    def add_row(self, problem: Problem, count: int = 1) -> None:
        pass


def _reader(
    plan: Plan, document: Mapping[str, Any]
) -> Callable[[SourceFile, str], Iterator[pl.DataFrame]]:
    """Reads the good rows of a file, as the score step reads them."""
    layout = Layout.to_score(plan, document.get("options", {}).get("allow_missing", ()))
    budget = MemoryBudget.of(int(document["memory_mb"]), "monitor")
    check = RowCheck(plan, layout, _Unreported())

    def batches(file: SourceFile, name: str) -> Iterator[Batch]:
        nulls = plan.null_values
        if is_parquet(file.path, name):
            return read_parquet(file.path, name, layout, nulls, budget.batch)
        pieces = read_csv(file.path, name, layout, plan.delimiter, nulls, budget.piece)
        return gathered(pieces, budget.pieces)

    return lambda file, name: map(check.passed, batches(file, name))
