"""Scoring with the ONNX form, which is what serves, and holding it to the library's own answers."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from contract.artifact import Artifact
from contract.metrics import Floats
from contract.plan import Task

# One call holds at most so many rows' scores and intermediate results.
ROWS_PER_CALL = 100_000
# ONNX Runtime adds leaf values as float32, LightGBM as float64 and XGBoost as float32 in another
# order: over a few hundred trees that is 1e-6, over many thousands 1e-5. Paths cannot differ by
# rounding (see train.ensemble), so what lies beyond is a real fault.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Parity:
    """How far the ONNX form is from the library. Differences are relative: see `parity`."""

    rows: int
    mismatches: int
    largest_difference: float | None
    tolerance: float


def onnx_scores(artifact: Artifact, frame: pl.DataFrame) -> NDArray[np.float32]:
    """Score rows as serving does: float32 [rows, 1], for multiclass [rows, classes]."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # More threads add a row's trees in another order, and so change its last digit.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        artifact.onnx, options, providers=["CPUExecutionProvider"]
    )
    matrix = artifact.encoding.matrix(frame)
    calls = [
        session.run(["scores"], {"features": matrix[start : start + ROWS_PER_CALL]})[0]
        for start in range(0, max(len(matrix), 1), ROWS_PER_CALL)
    ]
    return np.concatenate(calls)


def parity(task: Task, served: Floats, native: Floats) -> Parity:
    """Compare two sets of scores of one shape, row by row.

    A probability's difference counts as it is. A prediction's is relative to its size, or to the
    mean size of all where that is larger, so that the unit of the target does not matter. A score
    that is not a number on either side is a mismatch.
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
        # Phrased so that NaN, for which every comparison is false, counts.
        mismatches=int((~(difference <= TOLERANCE)).sum()),
        largest_difference=largest if np.isfinite(largest) else None,
        tolerance=TOLERANCE,
    )
