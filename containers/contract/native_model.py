"""A model in its own library: the scores that ONNX must match, and feature contributions."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.libraries import lightgbm, xgboost
from contract.metrics import Floats

# Below this many values a second thread costs more than it saves.
VALUES_FOR_THREADS = 500_000
# Contributions take long, and each row is independent of the others.
ALL_CORES = 0


class NativeModel(Protocol):
    """A loaded model. A matrix is float32 [rows, features], encoded as encoding.json says."""

    def scores(self, matrix: NDArray[np.float32]) -> Floats:
        """The model's predictions: [rows], for multiclass [rows, classes]."""

    def contributions(self, matrix: NDArray[np.float32]) -> Floats:
        """Exact TreeSHAP values before the link, [rows, outputs, features + 1]. The last one is the
        expected value; together they sum to the margin."""


def native_model(library: str, content: bytes) -> NativeModel:
    """Load model.txt or model.ubj. Imports the library."""
    return _XGBoost(content) if library == "xgboost" else _LightGBM(content)


def threads(matrix: NDArray[np.float32]) -> int:
    """How many threads to use for a matrix. ALL_CORES lets the library choose."""
    return ALL_CORES if matrix.size >= VALUES_FOR_THREADS else 1


class _LightGBM:
    def __init__(self, content: bytes) -> None:
        self._booster = lightgbm().Booster(model_str=content.decode())

    def scores(self, matrix: NDArray[np.float32]) -> Floats:
        return self._predict(matrix, threads(matrix))

    def contributions(self, matrix: NDArray[np.float32]) -> Floats:
        flat = self._predict(matrix, ALL_CORES, pred_contrib=True)
        return flat.reshape(len(matrix), -1, matrix.shape[1] + 1)

    def _predict(self, matrix: NDArray[np.float32], cores: int, **kind: Any) -> Floats:
        predicted = self._booster.predict(matrix, num_threads=cores, **kind)
        return np.asarray(predicted, dtype=np.float64)


class _XGBoost:
    def __init__(self, content: bytes) -> None:
        self._library = xgboost()
        self._booster = self._library.Booster(model_file=bytearray(content))

    def scores(self, matrix: NDArray[np.float32]) -> Floats:
        return self._predict(matrix, threads(matrix))

    def contributions(self, matrix: NDArray[np.float32]) -> Floats:
        flat = self._predict(matrix, ALL_CORES, pred_contribs=True)
        return flat.reshape(len(matrix), -1, matrix.shape[1] + 1)

    def _predict(self, matrix: NDArray[np.float32], cores: int, **kind: Any) -> Floats:
        self._booster.set_param({"nthread": cores})
        rows = self._library.DMatrix(
            matrix,
            nthread=cores or -1,
            feature_types=self._booster.feature_types,  # which features are categories
            enable_categorical=True,
        )
        return np.asarray(self._booster.predict(rows, **kind), dtype=np.float64)
