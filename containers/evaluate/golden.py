"""golden.json: some of the test rows with the candidate's answers, for later steps to repeat.

Whoever packs, deploys or serves the model scores these very rows again and compares, so that what
answers in production is the model that was judged. Pure: no files.
"""

from typing import Any

import numpy as np
import polars as pl

from contract.artifact import Artifact
from contract.metrics import Floats
from contract.native import NativeModel
from contract.plan import Task
from evaluate.scoring import TOLERANCE, onnx_scores

MOST_ROWS = 100


def golden(
    task: Task, candidate: Artifact, native: NativeModel, test: pl.DataFrame, served: Floats
) -> dict[str, Any]:
    """At most MOST_ROWS rows, evenly spread over the test rows in their order, and their scores.

    A row is {feature: value or None} as a caller would send it. `scores` are the ONNX form's,
    `native` the library's own, both [rows][outputs]. `tolerance` is what two answers may differ by,
    as evaluate.scoring.parity counts it. `served` are the scores of all test rows, [rows] or
    [rows, classes]: their mean and standard deviation, for multiclass of the winning probability,
    say later how far scores have moved. They are rounded, because the last digits of a sum over
    many rows depend on the machine.
    """
    picked = test[spread_over(test.height)]
    features = picked.select(candidate.encoding.names)
    native_scores = native.scores(candidate.encoding.matrix(picked))
    summed = served if task != "multiclass" else served.max(axis=1)
    return {
        "format": 1,
        "task": task,
        "rows": [{name: _sent(row[name]) for name in row} for row in features.to_dicts()],
        "scores": onnx_scores(candidate, picked).astype(np.float64).tolist(),
        "native": native_scores.reshape(picked.height, -1).tolist(),
        "tolerance": TOLERANCE,
        "spread": float(f"{summed.std():.9g}"),
        "mean": float(f"{summed.mean():.9g}"),
    }


def spread_over(count: int) -> list[int]:
    """Positions of at most MOST_ROWS rows of `count`, the first and the last among them."""
    if count <= MOST_ROWS:
        return list(range(count))
    return [at * (count - 1) // (MOST_ROWS - 1) for at in range(MOST_ROWS)]


def _sent(value: Any) -> Any:
    """A value as JSON can carry it: one that is no number is a missing one, as in the encoding."""
    return None if isinstance(value, float) and not np.isfinite(value) else value
