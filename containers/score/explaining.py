"""Which features moved each score most: exact TreeSHAP values of the library that trained it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from contract.artifact import Artifact
from contract.native_model import native_model
from contract.own_model import OWN
from contract.step import StepError
from score.answers import Because

# Bounds the memory of one call: values of 8 bytes.
VALUES_PER_CALL = 2_000_000


class Explainer:
    """Names the `count` features whose values moved a row's score most, the strongest first.

    An effect is in the unit of the model's margin: what the feature adds to the sum of the trees,
    compared with the mean of the training rows. For regression that is the prediction's unit unless
    the objective has a link (such as a logarithm); for binary it is log-odds of the positive class;
    for multiclass it is what is added to the predicted class before the softmax.
    """

    def __init__(self, artifact: Artifact, count: int) -> None:
        if artifact.library == OWN:
            raise StepError(
                "a model of an own train step has no trees, which explanations follow from; score "
                "without them, with batch.explain: 0"
            )
        self.names = pl.Series(artifact.encoding.names, dtype=pl.String)
        self.count = min(count, len(self.names))
        self.asked = count
        self._native = native_model(artifact.library, artifact.native)

    def because(
        self,
        matrix: NDArray[np.float32],
        scores: NDArray[np.float32],
        positions: Callable[[NDArray[np.float32]], NDArray[np.intp]],
    ) -> Because:
        """The features and effects of encoded rows. `positions` is the rows' predicted class."""
        if not len(matrix):
            return _padded(Because([], []), self.asked, 0)
        width = (matrix.shape[1] + 1) * scores.shape[1]
        step = max(1, VALUES_PER_CALL // width)
        found = [
            self._ranked(matrix[start : start + step], scores[start : start + step], positions)
            for start in range(0, len(matrix), step)
        ]
        order = np.concatenate([each[0] for each in found])
        effects = np.concatenate([each[1] for each in found])
        names = [self.names.gather(order[:, rank]) for rank in range(self.count)]
        listed = [np.ascontiguousarray(effects[:, rank]) for rank in range(self.count)]
        return _padded(Because(names, listed), self.asked, len(matrix))

    def _ranked(
        self,
        matrix: NDArray[np.float32],
        scores: NDArray[np.float32],
        positions: Callable[[NDArray[np.float32]], NDArray[np.intp]],
    ) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        contributions = self._native.contributions(matrix)[:, :, :-1]
        outputs = contributions.shape[1]
        chosen = positions(scores) if outputs > 1 else np.zeros(len(matrix), np.intp)
        effects = contributions[np.arange(len(matrix)), chosen]
        # Stable: of equal effects the feature that comes first in the model.
        order = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, : self.count]
        sizes = np.take_along_axis(effects, order, axis=1)
        return order.astype(np.uint32), sizes.astype(np.float32)


def _padded(because: Because, asked: int, rows: int) -> Because:
    """With empty columns where the model has fewer features than were asked for."""
    more = asked - len(because.names)
    none: Sequence[pl.Series] = [pl.Series([None] * rows, dtype=pl.String)] * more
    nothing = [np.full(rows, np.nan, np.float32)] * more
    return Because([*because.names, *none], [*because.effects, *nothing])
