"""The training rows as one of several hosts reads them.

Row i of all, in the order of the files, belongs to host i mod hosts. So the hosts have the same
number of rows whatever the files' sizes, and rows in some order are spread evenly. Each host reads
every file, one after the other, and keeps its own rows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from contract.encoding import Encoding
from contract.plan import Plan
from contract.rows import parts_of, read_part
from train.learner import Rows


class SharedRows:
    """All training rows, of which a part is read at a time."""

    def __init__(self, folder: Path, host: int, hosts: int) -> None:
        self._parts = parts_of(folder)
        self._host = host
        self._hosts = hosts

    def targets(self, plan: Plan) -> pl.DataFrame:
        """The target of every row."""
        return pl.concat([read_part(part, [plan.target]) for part in self._parts])

    def encoding(self, plan: Plan) -> Encoding:
        """The encoding of all rows, the same on every host."""
        return Encoding.learn(pl.scan_parquet(self._parts, glob=False), plan)

    def read(self, encoding: Encoding, count: int, sampled: NDArray[np.int32]) -> tuple[Rows, Rows]:
        """This host's rows of `count`, and those in the sample, which is sorted."""
        width = len(encoding.features)
        mine = _Filled(len(range(self._host, count, self._hosts)), width)
        sample = _Filled(len(sampled), width)
        columns = list(dict.fromkeys([*encoding.columns, encoding.target]))
        start = 0
        for part in self._parts:
            frame = read_part(part, columns)
            first = (self._host - start) % self._hosts
            if first < frame.height:
                mine.add(encoding, frame.gather_every(self._hosts, first))
            begin, end = np.searchsorted(sampled, [start, start + frame.height])
            if end > begin:
                sample.add(encoding, frame[sampled[begin:end] - start])
            start += frame.height
        return mine.rows, sample.rows


class _Filled:
    """Rows that are filled in, a part after the other."""

    def __init__(self, count: int, width: int) -> None:
        self.rows = Rows(np.empty((count, width), np.float32), np.empty(count, np.float64))
        self._at = 0

    def add(self, encoding: Encoding, frame: pl.DataFrame) -> None:
        place = slice(self._at, self._at + frame.height)
        self.rows.matrix[place] = encoding.matrix(frame)
        self.rows.labels[place] = encoding.labels(frame, "training")
        self._at += frame.height
