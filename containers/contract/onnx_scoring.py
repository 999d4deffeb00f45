"""Score with the ONNX form, which is what serves, and compare it with the library's scores."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from contract.artifact import Artifact
from contract.metrics import Floats
from contract.onnx_model import OnnxModel
from contract.plan import Task

# Bounds the memory of one call.
ROWS_PER_CALL = 100_000
# ONNX Runtime adds leaf values as float32, LightGBM as float64 and XGBoost as float32 in another
# order: over a few hundred trees that makes 1e-6, over many thousands 1e-5. Rounding cannot change
# a row's path (see train.ensemble), so a larger difference is a real fault.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Parity:
    """How far the ONNX form is from the library. For what a difference is, see `parity`."""

    rows: int
    mismatches: int
    largest_difference: float | None
    tolerance: float


def onnx_scores(artifact: Artifact, frame: pl.DataFrame) -> NDArray[np.float32]:
    """Score rows as serving does: float32 [rows, 1], for multiclass [rows, classes]."""
    model = OnnxModel(artifact.onnx)
    matrix = artifact.matrix(frame)
    calls = [
        model.scores(matrix[start : start + ROWS_PER_CALL])
        for start in range(0, max(len(matrix), 1), ROWS_PER_CALL)
    ]
    return np.concatenate(calls)


def parity(task: Task, served: Floats, native: Floats) -> Parity:
    """Compare two sets of scores of one shape, row by row.

    Probabilities are compared by their difference. For predictions the difference is relative to
    the prediction's size, or to the mean size of all if that is larger, so that the target's unit
    does not matter. A score that is not a number, on either side, is a mismatch.
    """
    served, native = served.reshape(len(served), -1), native.reshape(len(native), -1)
    scale = np.ones_like(native)
    if task == "regression":
        sizes = np.abs(native)
        scale = np.maximum(sizes, max(float(sizes.mean()), float(np.finfo(np.float32).tiny)))
    difference = (np.abs(served - native) / scale).max(axis=1)
    largest = float(difference.max())
    return Parity(
        rows=len(served),
        # Written so that NaN counts: every comparison with it is false.
        mismatches=int((~(difference <= TOLERANCE)).sum()),
        largest_difference=largest if np.isfinite(largest) else None,
        tolerance=TOLERANCE,
    )
