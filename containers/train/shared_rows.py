"""The rows of a part, training or validation, as one of several hosts reads them.

Row i of all, in the order of the files, belongs to host i mod hosts. So the hosts have the same
number of rows whatever the files' sizes, and rows in some order are spread evenly. Each host reads
every file, and keeps its own rows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from contract.encoding import EncodedFeature, Encoding
from contract.plan import Plan
from contract.rows import parts_of, read_part

Matrix = NDArray[np.float32]


def targets_of(folder: Path, plan: Plan) -> pl.DataFrame:
    """The target of every row."""
    return pl.concat([read_part(part, [plan.target]) for part in parts_of(folder)])


class SharedRows:
    """All rows of a part. Only this host's are in memory, besides one column or one file of all."""

    def __init__(self, folder: Path, host: int, hosts: int) -> None:
        self._parts = parts_of(folder)
        self._host = host
        self._hosts = hosts

    @property
    def mine(self) -> slice:
        """This host's rows."""
        return slice(self._host, None, self._hosts)

    def learn(
        self, plan: Plan, count: int, sampled: NDArray[np.int32]
    ) -> tuple[Encoding, Matrix, Matrix]:
        """The encoding of all `count` rows, the same on every host, with this host's rows and the
        sampled ones. Each column is read once."""
        width = len(plan.features)
        mine = np.empty((len(range(*self.mine.indices(count))), width), np.float32)
        sample = np.empty((len(sampled), width), np.float32)
        at = iter(range(width))

        def take(feature: EncodedFeature, column: pl.Series) -> None:
            position = next(at)
            for matrix, rows in (
                (mine, column.gather_every(self._hosts, self._host)),
                (sample, column.gather(sampled)),
            ):
                matrix[:, position] = feature.encode(rows.to_frame()).values

        encoding = Encoding.learn(pl.scan_parquet(self._parts, glob=False), plan, take)
        return encoding, mine, sample

    def read(self, encoding: Encoding) -> Matrix:
        """This host's rows in an encoding that is known."""
        matrices, start = [], 0
        for part in self._parts:
            frame = read_part(part, list(encoding.columns))
            first = (self._host - start) % self._hosts
            if first < frame.height:
                matrices.append(encoding.matrix(frame.gather_every(self._hosts, first)))
            start += frame.height
        return np.concatenate(matrices)
