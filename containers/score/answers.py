"""The columns of scores: what the online answer calls them, for many rows at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from contract.artifact import Artifact
from contract.plan import Plan
from reading.columns import KEY, ROW_NUMBER

FILE = "__file"
DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class Because:
    """The features that moved each score most, and by how much: names and effects by rank."""

    names: Sequence[pl.Series]
    effects: Sequence[NDArray[np.float32]]


class Answers:
    """Makes the rows of scores of one release."""

    def __init__(self, plan: Plan, artifact: Artifact, release: int, explain: int) -> None:
        self.task = artifact.encoding.task
        self.classes = artifact.encoding.classes or ()
        threshold = artifact.threshold
        self.threshold = DEFAULT_THRESHOLD if threshold is None else threshold
        self.release = release
        self.explain = explain
        self.keys = key_names(plan.key, self._own())

    def _own(self) -> list[str]:
        scores = {
            "regression": ["prediction"],
            "binary": ["prediction", "probability"],
            "multiclass": ["prediction", *(f"probability_{name}" for name in self.classes)],
        }[self.task]
        ranks = range(1, self.explain + 1)
        because = [name for rank in ranks for name in (f"because_{rank}", f"because_{rank}_effect")]
        return ["file", "row", *scores, "release", *because]

    def frame(
        self,
        rows: pl.DataFrame,
        names: pl.Series,
        scores: NDArray[np.float32],
        because: Because | None = None,
    ) -> pl.DataFrame:
        """The scored rows, in their order. `names` are the files' names by FILE."""
        columns = [rows[KEY.format(at)].alias(name) for at, name in enumerate(self.keys)]
        columns += [names.gather(rows[FILE]).alias("file"), rows[ROW_NUMBER].alias("row")]
        columns += self._predicted(scores)
        columns.append(pl.repeat(self.release, rows.height, dtype=pl.Int64, eager=True))
        columns[-1] = columns[-1].alias("release")
        if because is not None:
            for rank, (name, effect) in enumerate(
                zip(because.names, because.effects, strict=True), start=1
            ):
                columns.append(name.alias(f"because_{rank}"))
                effects = pl.Series(f"because_{rank}_effect", effect, nan_to_null=True)
                columns.append(effects)
        return pl.DataFrame(columns)

    def _predicted(self, scores: NDArray[np.float32]) -> list[pl.Series]:
        if self.task == "regression":
            return [pl.Series("prediction", scores[:, 0])]
        classes = pl.Series(self.classes, dtype=pl.String)
        winners = self.positions(scores)
        prediction = classes.gather(pl.Series(winners, dtype=pl.UInt32)).alias("prediction")
        if self.task == "binary":
            return [prediction, pl.Series("probability", scores[:, 0])]
        columns = [
            pl.Series(f"probability_{name}", np.ascontiguousarray(scores[:, at]))
            for at, name in enumerate(self.classes)
        ]
        return [prediction, *columns]

    def positions(self, scores: NDArray[np.float32]) -> NDArray[np.intp]:
        """The position of each row's predicted class."""
        if self.task == "binary":
            # In 64 bits, as the online scorer compares.
            return (scores[:, 0].astype(np.float64) >= self.threshold).astype(np.intp)
        winners: NDArray[np.intp] = scores.argmax(axis=1)
        return winners


def key_names(key: Sequence[str], taken: Sequence[str]) -> list[str]:
    """The key's columns under names that no column of ours has.

    >>> key_names(["id", "row"], ["file", "row"])
    ['id', 'row_key']
    """
    names: list[str] = []
    for name in key:
        free = name
        while free in taken or free in names or (free != name and free in key):
            free += "_key"
        names.append(free)
    return names
