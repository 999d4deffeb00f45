"""From files to three parts and two reports, in memory that does not grow with the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from contract.dataset_checks import PARTS, problems, rejection, warnings
from contract.derived import derive, derived_features
from contract.features import FEATURE, Features
from contract.key_file import key_file_name
from contract.plan import Plan
from contract.split import PLACE, ROW
from contract.step import StepError
from preprocess.baseline import Profile
from preprocess.census import Census
from preprocess.duplicates import KeyIndex
from preprocess.splitting import Order, row_hashes
from reading.batch import Batch, gathered
from reading.columns import Layout
from reading.csv_reader import read_csv
from reading.digits import Digits
from reading.findings import FileError, Findings
from reading.memory import MemoryBudget, ahead
from reading.parquet_reader import is_parquet, read_parquet
from reading.source import SourceFile
from reading.times import WAYS, TimeCounts, counted
from reading.validation import RowCheck


@dataclass
class Outcome:
    """The result of this host."""

    rows_read: int = 0
    rows_rejected: int = 0
    written: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))
    rejected: list[Any] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    baseline: dict[str, Any] = field(default_factory=dict)
    census: dict[str, Any] = field(default_factory=dict)
    split: dict[str, Any] = field(default_factory=dict)


def preprocess(
    plan: Plan,
    files: Iterable[SourceFile],
    output: Callable[[str], Path],
    scratch: Path,
    *,
    host: tuple[int, int] = (0, 1),
    total_bytes: int = 0,
    times: TimeCounts | None = None,
    code: Features | None = None,
    shared: Sequence[str] = (),
) -> Outcome:
    """Check, split and write every row of `files`.

    Raises StepError with all problems of the data in one text. One host also checks the dataset as
    a whole (classes, constant columns, empty parts). With several hosts each sees only its own
    rows, so Train checks the whole, from the `census` of each, with the share of rejected rows and
    keys that rows of two hosts have (see contract/key_file.py). `shared` are then the names of all
    files, in order.

    A split by time needs the `times` of all rows, of every host's files (see `times_of`). `code` is
    the model's features.py.
    """
    if times is not None and len(times.kinds) > 1:
        raise StepError(
            f"column {plan.split.time}: has both numbers and dates, which have no common order; "
            f"write all as one of {WAYS}"
        )
    return _Run(plan, output, scratch, host, total_bytes, times, code, shared).over(files)


def times_of(plan: Plan, files: Iterable[SourceFile]) -> TimeCounts | None:
    """The times of all rows, where the plan splits by time."""
    column, budget = plan.split.time, MemoryBudget.of(plan.memory_mb)
    if column is None:
        return None
    layout = Layout.of(plan).only(column)
    return counted(files, lambda file: _batches(file, plan, layout, budget), column)


def _batches(file: SourceFile, plan: Plan, layout: Layout, budget: MemoryBudget) -> Iterator[Batch]:
    nulls = plan.null_values
    # The name shows what the file should be: CSV with a Parquet file's name is a mistake.
    if is_parquet(file.path, file.name):
        return read_parquet(file.path, file.name, layout, nulls, budget.batch, file.rows)
    pieces = read_csv(file.path, file.name, layout, plan.delimiter, nulls, budget.piece)
    return gathered(pieces, budget.pieces)


class _Run:
    """The state of one preprocess run."""

    def __init__(
        self,
        plan: Plan,
        output: Callable[[str], Path],
        scratch: Path,
        host: tuple[int, int],
        total_bytes: int,
        times: TimeCounts | None,
        code: Features | None,
        shared: Sequence[str],
    ) -> None:
        self.plan = plan
        self.host = host
        self.code = code
        self.layout = Layout.of(plan)
        self.budget = MemoryBudget.of(plan.memory_mb)
        self.findings = Findings()
        self.digits = Digits(plan, self.layout.numbers)
        self.check = RowCheck(plan, self.layout, self.findings, self.digits)
        self.output = output
        self.folders = {part: output(part) for part in PARTS}
        self.features = [feature.name for feature in plan.features]
        # Sorted by name: reordering model.yaml must move no row, and changing features.py neither.
        sources = [source.name for source in plan.sources]
        names = self.check.keys or {name: name for name in sources}
        self.hashed = sorted(names, key=names.__getitem__)
        self.order = Order.of(plan.split, sorted(names.values()), times)
        self.census = Census(plan)
        numbers = [each.name for each in plan.features if each.kind == "numeric"]
        if plan.task == "regression":
            numbers.append(plan.target)
        self.profile = Profile(numbers, self.census.values["train"], plan.target)
        self.derived = derived_features(plan)
        # What was read and what is computed: a rival computes its own features from the former.
        columns = (ROW, self.order.place, *sources, *self.features, *self.layout.dates, plan.target)
        self.columns = list(dict.fromkeys(columns))
        # One bucket must fit the limit. Keys are at most as long as all data, times 2 for gzip.
        buckets = min(4096, max(16, 4 * total_bytes // self.budget.keys))
        self.keys = KeyIndex(plan.key, scratch / "keys", self.budget.keys, buckets, shared)
        self.read = 0
        self.kept = 0
        self._number = 0
        self._pending: list[Future[None]] = []

    def over(self, files: Iterable[SourceFile]) -> Outcome:
        with (
            ThreadPoolExecutor(1) as reader,
            ThreadPoolExecutor(1) as writer,
            ThreadPoolExecutor(1) as counter,
        ):
            for file in files:
                try:
                    batches = _batches(file, self.plan, self.layout, self.budget)
                    for batch in ahead(batches, reader):
                        self._take(batch, writer, counter)
                except FileError as error:
                    for problem in error.problems:
                        self.findings.add_fatal(problem)
            self._settle()
            # Each takes a while, and neither needs the other.
            losses = writer.submit(self.digits.losses)
            baseline = counter.submit(self.profile.document, self.features, self.plan.target)
        self._write_empty_parts()
        return self._outcome(losses.result(), baseline)

    def _take(self, batch: Batch, writer: Executor, counter: Executor) -> None:
        """Check and split a batch. Meanwhile other threads read the next batch, and write and count
        the last.
        """
        self.read += batch.frame.height + len(batch.lost)
        for problem in batch.lost:
            self.findings.add_row(problem)
        frame = self.check.passed(batch)
        self.kept += frame.height
        # The hash is of 32-bit numbers, as most models see them; the written rows are the data's.
        seen = derive(frame, self.derived)
        if self.plan.inputs:
            seen = seen.with_columns(pl.col(self.layout.numbers).cast(pl.Float32))
        frame = frame.with_columns(row_hashes(seen, self.hashed))
        if self.code is not None:
            frame = self.code.add(frame)
        if self.plan.key:
            self.keys.add(batch.file, frame)
        parts = self.order.parts(self.order.placed(frame).select(self.columns))
        self._settle()
        self._pending = [
            writer.submit(self._write, parts, self._number),
            counter.submit(self._count, parts),
        ]
        self._number += 1

    def _write(self, parts: Mapping[str, pl.DataFrame], number: int) -> None:
        for part, frame in parts.items():
            if frame.height:
                name = f"part-{self.host[0]:03d}-{number:05d}.parquet"
                # No statistics: every reader reads the whole file.
                frame.write_parquet(self.folders[part] / name, statistics=False)

    def _write_empty_parts(self) -> None:
        """With several hosts, write a file without rows to each empty part's folder.

        The platform does not start the next step's job on an empty folder, and that step is the one
        that can report what is wrong.
        """
        if self.host[0] or self.host[1] == 1:
            return
        nothing = pl.DataFrame(schema={name: self._type(name) for name in self.columns})
        for part in PARTS:
            if not self.census.written[part]:
                name = f"part-{self.host[0]:03d}-{self._number:05d}.parquet"
                nothing.write_parquet(self.folders[part] / name, statistics=False)

    def _type(self, column: str) -> type[pl.DataType]:
        if column == ROW:
            return pl.UInt64
        if column == PLACE:
            return pl.UInt64 if self.order.by == "group" else pl.Float64
        if column in self.plan.computed:
            return FEATURE["numeric" if column in self.profile.numbers else "categorical"]
        if column in self.check.exact:
            return pl.Float64 if column in self.layout.numbers else pl.String
        return pl.Float32 if column in self.profile.numbers else pl.String

    def _count(self, parts: Mapping[str, pl.DataFrame]) -> None:
        for part, frame in parts.items():
            self.census.add(part, frame)
        self.profile.add(parts["train"])

    def _settle(self) -> None:
        """Wait for the last batch, so that at most one is in progress."""
        for task in self._pending:
            task.result()
        self._pending = []

    def _outcome(self, losses: Mapping[str, str], baseline: Future[dict[str, Any]]) -> Outcome:
        read, rejected = self.read, self.read - self.kept
        duplicated, examples = self.keys.duplicates() if self.plan.key else (0, [])
        for problem in examples:
            self.findings.add_fatal(problem)
        self.findings.fatal_count += duplicated - len(examples)
        alone, counts = self.host[1] == 1, self.census.counts(losses)
        forgiven = not alone or rejected <= self.plan.maximum_rejected_share * read
        # If a file could not be read, counts over the rest would mislead.
        if alone and not self.findings.fatal and forgiven:
            for problem in problems(self.plan, counts):
                self.findings.add_fatal(problem)
        if self.findings.fatal or not forgiven:
            raise StepError(self._failure(read, rejected, forgiven))
        if self.plan.key and not alone:
            self.keys.write(self.output("report") / key_file_name(self.host[0]))
        return Outcome(
            rows_read=read,
            rows_rejected=rejected,
            written=dict(self.census.written),
            rejected=list(self.findings.samples()),
            warnings=[
                *(self.code.warnings() if self.code else ()),
                *([*rejection(read, rejected), *warnings(counts)] if alone else ()),
            ],
            baseline=baseline.result(),
            census={**counts.document(), "rejected": self.findings.kinds()},
            split=self.order.document(),
        )

    def _failure(self, read: int, rejected: int, forgiven: bool) -> str:
        note = "" if forgiven else f" ({rejected:,} of {read:,} rows are bad)"
        return self.findings.message(note)
