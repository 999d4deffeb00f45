"""A model in its own library: the scores that ONNX must match, and feature contributions."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.libraries import lightgbm, xgboost
from contract.metrics import Floats
from contract.onnx_model import OnnxModel
from contract.own_model import OWN

# Below this many values a second thread costs more than it saves.
VALUES_FOR_THREADS = 500_000
# Contributions take long, and each row is independent of the others.
ALL_CORES = 0
# So many rows of an own train step's model are scored one by one; of the rest, every so many.
ALONE = 10_000
FEW = 997


class NativeModel(Protocol):
    """A loaded model. A matrix is float32 [rows, features], encoded as encoding.json says."""

    def scores(self, matrix: NDArray[np.float32]) -> Floats:
        """The model's predictions: [rows], for multiclass [rows, classes]."""

    def contributions(self, matrix: NDArray[np.float32]) -> Floats:
        """Exact TreeSHAP values before the link, [rows, outputs, features + 1]. The last one is the
        expected value; together they sum to the margin."""


def native_model(library: str, content: bytes) -> NativeModel:
    """Load model.txt or model.ubj, or of an own train step model.onnx. Imports the library."""
    if library == OWN:
        return _Alone(content)
    return _XGBoost(content) if library == "xgboost" else _LightGBM(content)


def threads(matrix: NDArray[np.float32]) -> int:
    """How many threads to use for a matrix. ALL_CORES lets the library choose."""
    return ALL_CORES if matrix.size >= VALUES_FOR_THREADS else 1


class _Alone:
    """A model of an own train step has no library here: it is compared with itself.

    Served, a row comes alone; in a batch it has others beside it. A graph may let them differ, for
    example by normalising over the rows that it gets.
    """

    def __init__(self, content: bytes) -> None:
        self._model = OnnxModel(content)

    def scores(self, matrix: NDArray[np.float32]) -> Floats:
        alone = [self._model.run(matrix[at : at + 1]) for at in range(min(len(matrix), ALONE))]
        rest = matrix[ALONE:]
        # Others beside each row than in the order of the file.
        few = [self._model.run(rest[at::FEW]) for at in range(min(FEW, len(rest)))]
        scores = np.empty((len(matrix), self._width(matrix)), np.float64)
        scores[: len(alone)] = np.concatenate(alone) if alone else 0
        for at, found in enumerate(few):
            scores[ALONE + at :: FEW] = found
        return scores if scores.shape[1] > 1 else scores[:, 0]

    def _width(self, matrix: NDArray[np.float32]) -> int:
        return int(self._model.run(matrix[:1]).shape[1]) if len(matrix) else 1

    def contributions(self, matrix: NDArray[np.float32]) -> Floats:
        raise ValueError("a graph has no trees, which TreeSHAP values follow from")


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
