"""What only the rows of all Preprocess hosts show together. A single host has checked it itself.

The keys of all rows are compared in bounded memory: hashes are spread evenly, so each range of them
has about as many rows, and each host's file is sorted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.dataset_checks import Counts, problems
from contract.key_file import COLUMNS, KeyFile, read_head, used_twice
from contract.plan import Plan
from contract.problem import Problem, as_one_message
from contract.reports import read_reports
from contract.row_kinds import RowKinds
from contract.step import StepError

# Rows compared at once: about 400 MB at the peak.
ROWS_AT_ONCE = 4_000_000
SHOWN = 5

Columns = dict[str, NDArray[Any]]


def check_dataset(plan: Plan, report: Path) -> None:
    """Check the dataset as a whole, if several Preprocess hosts ran. Raises StepError."""
    if not (report / "census.json").is_file():
        return
    hosts, censuses = read_reports(report, "preprocess"), read_reports(report, "census")
    read = sum(host["rows_read"] for host in hosts)
    rejected = sum(host["rows_rejected"] for host in hosts)
    kinds = RowKinds.merged([census["rejected"] for census in censuses])
    forgiven = rejected <= plan.maximum_rejected_share * read
    count, examples = shared_keys(plan, report)
    found = [str(problem) for problem in examples]
    if count > len(found):
        found.append(f"and {count - len(found):,} more")
    if not found and forgiven:
        found = [str(problem) for problem in problems(plan, Counts.merged(censuses))]
        count = len(found)
    if found or not forgiven:
        note = "" if forgiven else f" ({rejected:,} of {read:,} rows are bad)"
        raise StepError(as_one_message(found + kinds.lines(), note, count + kinds.count))


def shared_keys(plan: Plan, report: Path) -> tuple[int, list[Problem]]:
    """How many keys occur more than once, and a few examples."""
    if not plan.key:
        return 0, []
    paths = sorted(report.glob("keys*.bin"))
    files = [read_head(path) for path in paths]
    names = files[0].files if files else ()
    count, examples = 0, list[Problem]()
    for rows in _ranges(files):
        for times, first, second in _repeated(rows):
            count += 1
            if len(examples) < SHOWN:
                places = [(names[file], row) for file, row in (first, second)]
                examples.append(used_twice(plan.key, times, places[0], places[1]))
    return count, examples


@dataclass(frozen=True)
class _Open:
    """A file's columns, of which only what is used is read."""

    columns: Columns

    @classmethod
    def of(cls, file: KeyFile) -> _Open:
        columns: Columns = {}
        for name, (code, _) in COLUMNS.items():
            columns[name] = np.memmap(
                file.path, np.dtype(code), "r", offset=file.start[name], shape=(file.rows,)
            )
        return cls(columns)

    def below(self, bound: int) -> int:
        """How many rows have a hash below this one."""
        hashes = self.columns["hash"]
        return len(hashes) if bound >= 1 << 64 else int(np.searchsorted(hashes, np.uint64(bound)))


def _ranges(files: Sequence[KeyFile]) -> Iterator[Columns]:
    """The rows of all files, one range of hashes after the other."""
    opened = [_Open.of(file) for file in files if file.rows]
    rows = sum(len(file.columns["hash"]) for file in opened)
    steps = max(1, -(-rows // ROWS_AT_ONCE))
    begin = [0] * len(opened)
    for step in range(1, steps + 1 if rows else 1):
        end = [file.below(step * (1 << 64) // steps) for file in opened]
        slices = [slice(*span) for span in zip(begin, end, strict=True)]
        yield {
            name: np.concatenate(
                [file.columns[name][span] for file, span in zip(opened, slices, strict=True)]
            )
            for name in COLUMNS
        }
        begin = end


def _repeated(rows: Columns) -> Iterator[tuple[int, tuple[int, int], tuple[int, int]]]:
    """Each key of several rows: how many, and the file and row of the first two."""
    order = np.argsort(rows["hash"], kind="stable")
    again = np.flatnonzero(rows["hash"][order[1:]] == rows["hash"][order[:-1]])
    if not again.size:
        return
    # Few rows are left: those whose hash another row has too.
    few = order[np.union1d(again, again + 1)]
    few = few[np.lexsort([rows[name][few] for name in ("row", "file", "more", "hash")])]
    keys = np.stack([rows["hash"][few], rows["more"][few]])
    starts = np.flatnonzero(np.r_[True, (keys[:, 1:] != keys[:, :-1]).any(axis=0)])
    for start, end in zip(starts, np.r_[starts[1:], len(few)], strict=True):
        if end - start > 1:
            first, second = (
                (int(rows["file"][at]), int(rows["row"][at])) for at in few[start : start + 2]
            )
            yield int(end - start), first, second
