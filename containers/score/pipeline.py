"""From the files of a shard to its scores, in memory that does not grow with the data.

While a batch of rows is checked and encoded, other threads read the next one, score the one before
and write it. Which rows come together depends on the files and the memory setting only, so a shard
that is scored again has the same objects.
"""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from contract.artifact import Artifact
from contract.problem import as_one_message, counted
from contract.step import StepError
from reading.batch import Batch, gathered
from reading.columns import ROW_NUMBER, Layout
from reading.csv_reader import read_csv
from reading.findings import FileError
from reading.memory import MemoryBudget, ahead
from reading.parquet_reader import is_parquet, read_parquet
from reading.shards import Part, Shard
from reading.validation import RowCheck
from score.answers import FILE, Answers
from score.batch_model import BatchModel
from score.batch_plan import BatchPlan
from score.explaining import Explainer
from score.rejects import Rejects
from score.storage import Results

# Rows of small files are scored and written together.
ROWS_TOGETHER = 100_000
# Each thread scores so many rows at a time. A row's score does not depend on it.
BLOCK_ROWS = 16_384
# With fewer rows, finding the feature to sort by takes longer than it saves.
ROWS_WORTH_RANKING = 20_000
# Between two lines about a long shard.
SECONDS_BETWEEN_LINES = 30

Matrix = NDArray[np.float32]


@dataclass
class Tally:
    """What came of a part's rows."""

    read: int = 0
    scored: int = 0


@dataclass
class _Work:
    """A shard in progress: what is counted, written and still held."""

    shard: Shard
    names: pl.Series
    parts: list[Tally]
    started: float
    said: float
    held: list[pl.DataFrame] = field(default_factory=list)
    held_rows: int = 0
    held_bytes: int = 0
    scores: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)

    @property
    def read(self) -> int:
        return sum(part.read for part in self.parts)


class Scoring:
    """Scores the shards of a batch, one after the other."""

    def __init__(
        self,
        batch: BatchPlan,
        artifact: Artifact,
        names: Sequence[str],
        results: Results,
        threads: int,
        say: Callable[[str], None] = print,
    ) -> None:
        self.batch = batch
        self.artifact = artifact
        self.encoding = artifact.encoding
        self.names = names
        self.results = results
        self.say = say
        self.budget = MemoryBudget.of(batch.memory_mb, "score")
        self.layout = Layout.to_score(batch.plan, batch.allow_missing)
        self.rejects = Rejects(batch.plan.key)
        self.check = RowCheck(batch.plan, self.layout, self.rejects)
        self.model = BatchModel(artifact.onnx)
        self.explainer = Explainer(artifact, batch.explain) if batch.explain else None
        self.answers = Answers(batch.plan, artifact, batch.release, batch.explain)
        self._leading: int | None = None
        self._reader = ThreadPoolExecutor(1)
        self._writer = ThreadPoolExecutor(1)
        self._scorers = ThreadPoolExecutor(threads)
        self._pending: Future[tuple[dict[str, Any], pl.DataFrame]] | None = None

    def __enter__(self) -> Scoring:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in (self._reader, self._scorers, self._writer):
            pool.shutdown(cancel_futures=True)

    def score(self, shard: Shard, paths: Iterator[Path]) -> dict[str, Any]:
        """Score a shard and write its scores and rejects; return its done record.

        `paths` yields its parts as files. Raises StepError with the file that cannot be read.
        """
        now = time.monotonic()
        names = pl.Series([self.names[part.file] for part in shard.parts], dtype=pl.String)
        work = _Work(shard, names, [Tally() for _ in shard.parts], now, now)
        try:
            for position, batch in ahead(self._batches(shard, paths), self._reader):
                self._take(work, position, batch)
        except FileError as error:
            lines = [str(problem) for problem in error.problems]
            raise StepError(as_one_message(lines)) from None
        if work.held or not (work.scores or self._pending):
            self._flush(work)
        self._settle(work)
        self._write_rejects(work)
        return self._record(work)

    def _batches(self, shard: Shard, paths: Iterator[Path]) -> Iterator[tuple[int, Batch]]:
        for position, part in enumerate(shard.parts):
            for batch in self._read(part, next(paths)):
                yield position, batch

    def _read(self, part: Part, path: Path) -> Iterator[Batch]:
        name, nulls = self.names[part.file], self.batch.plan.null_values
        # The name shows what the file should be: CSV with a Parquet file's name is a mistake.
        if part.row_groups or is_parquet(path, name):
            first, size = part.first_row - 1, self.budget.batch
            rows = None if part.rows is None else (first, first + part.rows)
            return read_parquet(path, name, self.layout, nulls, size, rows)
        delimiter, size = self.batch.plan.delimiter, self.budget.piece
        pieces = read_csv(path, name, self.layout, delimiter, nulls, size)
        return gathered(pieces, self.budget.pieces)

    def _take(self, work: _Work, position: int, batch: Batch) -> None:
        part = work.parts[position]
        part.read += batch.frame.height + len(batch.lost)
        for problem in batch.lost:
            self.rejects.add_row(problem)
        frame = self.check.passed(batch)
        self.rejects.identify(batch)
        part.scored += frame.height
        if frame.height:
            work.held.append(frame.with_columns(pl.lit(position, pl.UInt32).alias(FILE)))
            work.held_rows += frame.height
            work.held_bytes += size_of(frame)
        if work.held_rows >= ROWS_TOGETHER or work.held_bytes >= self.budget.batch:
            self._flush(work)
        if self.rejects.full:
            self._settle(work)
            self._write_rejects(work)
        self._tell(work)

    def _flush(self, work: _Work) -> None:
        """Encode the rows that are held. Other threads score and write them."""
        places = [*self.check.keys, ROW_NUMBER, FILE]
        if not work.held:
            types = dict.fromkeys(self.check.keys, pl.String)
            schema = {**types, ROW_NUMBER: pl.UInt64, FILE: pl.UInt32}
            rows = pl.DataFrame(schema=schema)
            matrix = np.empty((0, len(self.encoding.features)), np.float32)
        else:
            frame = pl.concat(work.held, rechunk=False)
            rows = frame.select(places)
            encoded = self.encoding.encoded(self.artifact.with_features(frame))
            matrix = encoded.matrix
            work.missing.update(encoded.missing)
            work.unknown.update(encoded.unknown)
        work.held, work.held_rows, work.held_bytes = [], 0, 0
        if self._leading is None and len(matrix) >= ROWS_WORTH_RANKING:
            self._leading = self.model.leading(matrix)
        blocks = [
            self._scorers.submit(
                self.model.scores, matrix[start : start + BLOCK_ROWS], self._leading
            )
            for start in range(0, max(len(matrix), 1), BLOCK_ROWS)
        ]
        self._settle(work)
        number = len(work.scores)
        self._pending = self._writer.submit(self._write, work, number, rows, matrix, blocks)

    def _write(
        self,
        work: _Work,
        number: int,
        rows: pl.DataFrame,
        matrix: Matrix,
        blocks: Sequence[Future[Matrix]],
    ) -> tuple[dict[str, Any], pl.DataFrame]:
        """Write a file of scores. Also return the rows that have no finite score."""
        scores = np.concatenate([block.result() for block in blocks])
        lost = rows.clear()
        finite = np.isfinite(scores).all(axis=1)
        if not finite.all():
            lost = rows.filter(~pl.Series(finite))
            rows, matrix, scores = rows.filter(pl.Series(finite)), matrix[finite], scores[finite]
        because = None
        if self.explainer is not None:
            because = self.explainer.because(matrix, scores, self.answers.positions)
        frame = self.answers.frame(rows, work.names, scores, because)
        name = f"scores/{work.shard.number:05d}-{number:04d}.parquet"
        return {**self._written(name, frame)}, lost

    def _settle(self, work: _Work) -> None:
        """Wait for the last rows, so that at most those of one batch are in progress."""
        if self._pending is None:
            return
        entry, lost = self._pending.result()
        self._pending = None
        work.scores.append(entry)
        for (position,), rows in lost.group_by(FILE, maintain_order=True):
            work.parts[position].scored -= rows.height
            keyed = rows.select(ROW_NUMBER, *self.check.keys)
            self.rejects.add_not_finite(work.names[position], keyed)

    def _write_rejects(self, work: _Work) -> None:
        frame = self.rejects.taken()
        if frame.height:
            name = f"rejects/{work.shard.number:05d}-{len(work.rejects):04d}.parquet"
            work.rejects.append(self._written(name, frame))

    def _written(self, name: str, frame: pl.DataFrame) -> dict[str, Any]:
        content = io.BytesIO()
        frame.write_parquet(content, statistics=False)
        return {"rows": frame.height, **self.results.write(name, content.getvalue())}

    def _tell(self, work: _Work) -> None:
        now = time.monotonic()
        if now - work.said >= SECONDS_BETWEEN_LINES:
            work.said = now
            rate = work.read / (now - work.started)
            self.say(
                f"shard {work.shard.number}: {counted(work.read, 'row')} so far, {rate:,.0f} rows/s"
            )

    def _record(self, work: _Work) -> dict[str, Any]:
        files = [
            {
                "file": part.file,
                "key": self.batch.objects[part.file].key,
                "version_id": self.batch.objects[part.file].version,
                "first_row": part.first_row,
                "rows_in": tally.read,
                "scored": tally.scored,
                "rejected": tally.read - tally.scored,
            }
            for part, tally in zip(work.shard.parts, work.parts, strict=True)
        ]
        features = self.encoding.features
        categorical = [each.name for each in features if each.kind == "categorical"]
        return {
            "format": 1,
            "shard": work.shard.number,
            "release": self.batch.release,
            "artifact_sha256": self.batch.artifact_sha256,
            "files": files,
            "scores": work.scores,
            "rejects": work.rejects,
            "missing": {each.name: work.missing[each.name] for each in features},
            "unknown": {name: work.unknown[name] for name in categorical},
            "host": work.shard.host,
        }


def size_of(frame: pl.DataFrame) -> int:
    """About the bytes of these rows: the same on every host, unlike what polars has allocated."""
    texts = frame.select(pl.col(pl.String).str.len_bytes().cast(pl.Int64).sum())
    characters: int = sum(texts.row(0)) if texts.width else 0
    return 8 * frame.height * frame.width + characters
