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
    form, read = Form(plan), _reader(plan, document)
    at = datetime.datetime.fromisoformat(document["asked_at"]).astimezone(datetime.UTC)
    facts = {"at": at, "day": at.date(), "release": int(document["release"]["number"])}
    scores = _Scores(batch.scores)
    for file, name in _in_order_of_scores(batch, scores):
        answers = _answers(scores.of(name), form)
        asked = {**facts, "request_id": f"{document['batch']}/{name}"}
        for rows in read(file, name):
            yield _joined(rows if compute is None else compute(rows), answers, form, asked)


def _in_order_of_scores(batch: ScoredBatch, scores: _Scores) -> Iterable[tuple[SourceFile, str]]:
    """The files that have scores, with their names there: a key, or its end below the objects'
    common folder. Files with the same scores' files follow each other."""
    every = [
        DataObject("", one["key"], one["version_id"], int(one["size"]))
        for one in batch.document["objects"]
    ]
    prefix = common_folder(every)
    found = {
        name: file
        for file in batch.objects
        for name in (file.name, file.name.removeprefix(prefix))
        if name in scores.places
    }
    return [
        (found[name], name) for name in sorted(found, key=lambda one: (scores.places[one], one))
    ]


class _Scores:
    """The scores by the files they are of. Only those of one file, and of others beside it, are in
    memory."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.places: dict[str, list[Path]] = {}
        for path in sorted(paths):
            for name in pl.read_parquet(path, columns=["file"], glob=False)["file"].unique():
                self.places.setdefault(name, []).append(path)
        self._open: dict[Path, dict[str, pl.DataFrame]] = {}

    def of(self, name: str) -> pl.DataFrame:
        """The scores of a file's rows."""
        places = self.places[name]
        self._open = {
            path: self._open[path] if path in self._open else _by_file(path) for path in places
        }
        return pl.concat([self._open[path][name] for path in places])


def _by_file(path: Path) -> dict[str, pl.DataFrame]:
    parts = pl.read_parquet(path, glob=False).partition_by("file", as_dict=True)
    return {str(name): part for (name,), part in parts.items()}


def _answers(scored: pl.DataFrame, form: Form) -> pl.DataFrame:
    # The key's columns come before, under names of the data.
    ours = scored.columns[scored.columns.index("file") :]
    return scored.select(
        pl.col("row").cast(pl.UInt64).alias(ROW_NUMBER),
        pl.col(PREDICTION).cast(pl.Float64() if form.regression else pl.String()),
        *(pl.col(name).cast(pl.Float64) for name in scores_among(ours)),
    )


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
        if name.endswith(".parquet") or is_parquet(file.path):
            return read_parquet(file.path, name, layout, nulls, budget.batch)
        pieces = read_csv(file.path, name, layout, plan.delimiter, nulls, budget.piece)
        return gathered(pieces, budget.pieces)

    return lambda file, name: map(check.passed, batches(file, name))
