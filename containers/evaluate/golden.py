"""golden.json: some test rows with the candidate's scores.

Packaging, deployment and the checks in production score these rows again and compare. So the model
in production is the one that was judged. Pure: no files.

They are kept with the release for good, so they hold no more of a person than they need: no key,
and the values of each private column are dealt out anew, so nothing says which row one is from.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from contract.artifact import Artifact
from contract.metrics import Floats
from contract.native_model import NativeModel
from contract.onnx_scoring import TOLERANCE, onnx_scores
from contract.plan import Task

MOST_ROWS = 100


def golden(
    task: Task,
    candidate: Artifact,
    native: NativeModel,
    test: pl.DataFrame,
    served: Floats,
    apart: Collection[str] = (),
) -> dict[str, Any]:
    """At most MOST_ROWS rows, evenly spread over the test rows in their order, and their scores.

    A row is {column: value or None}, as a caller would send it. The values of the columns
    in `apart` change rows, each column by itself. `scores` are those of the ONNX
    form, `native` those of the library, both [rows][outputs]. `tolerance` is how far the two may
    differ, measured as in contract.onnx_scoring.parity.

    `served` are the scores of all test rows, [rows] or [rows, classes]. Their mean and standard
    deviation (for multiclass, of the winning probability) show later how far scores have moved.
    Both are rounded: the last digits of a sum over many rows depend on the machine.
    """
    picked = test[spread_over(test.height)].select(candidate.encoding.columns)
    picked = picked.with_columns(
        dealt(picked[name], seed) for seed, name in enumerate(picked.columns) if name in apart
    )
    # The rows have the features, whatever computed them.
    candidate = replace(candidate, code=None)
    native_scores = native.scores(candidate.encoding.matrix(picked))
    summed = served if task != "multiclass" else served.max(axis=1)
    return {
        "format": 1,
        "task": task,
        "rows": [{name: _sent(row[name]) for name in row} for row in picked.to_dicts()],
        "scores": onnx_scores(candidate, picked).astype(np.float64).tolist(),
        "native": native_scores.reshape(picked.height, -1).tolist(),
        "tolerance": TOLERANCE,
        "spread": float(f"{summed.std():.9g}"),
        "mean": float(f"{summed.mean():.9g}"),
    }


def dealt(values: pl.Series, seed: int) -> pl.Series:
    """The values in another order, which is the same whatever order they are in now.

    >>> dealt(pl.Series([3, 1, 2]), 0).to_list() == dealt(pl.Series([2, 3, 1]), 0).to_list()
    True
    """
    return values.sort()[np.random.default_rng(seed).permutation(len(values))]


def spread_over(count: int) -> list[int]:
    """Positions of at most MOST_ROWS of `count` rows, with the first and the last."""
    if count <= MOST_ROWS:
        return list(range(count))
    return [at * (count - 1) // (MOST_ROWS - 1) for at in range(MOST_ROWS)]


def _sent(value: Any) -> Any:
    """A value for JSON. One that is not finite is missing, as in the encoding."""
    return None if isinstance(value, float) and not np.isfinite(value) else value
