"""A model's ONNX form, run as serving runs it: the same digits for a row, whatever is around it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
# Of so many rows the feature that moves the scores most is found.
ROWS_TO_COMPARE = 512
# With fewer rows, sorting takes longer than it saves.
ROWS_WORTH_SORTING = 64


class OnnxModel:
    """A session that one thread or several may use at once.

    Similar rows take similar paths through the trees, which a processor predicts well. So many rows
    are scored in the order of the feature that moves the scores most, as the online scorer does.
    """

    def __init__(self, content: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # More threads would add a row's trees in another order and change its last digit.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.run: Callable[[Matrix], Matrix] = lambda matrix: session.run(
            ["scores"], {"features": matrix}
        )[0]

    def scores(self, matrix: Matrix, leading: int | None = None) -> Matrix:
        """Score encoded rows: float32 [rows, 1], for multiclass [rows, classes]."""
        if leading is None or len(matrix) < ROWS_WORTH_SORTING:
            return self.run(matrix)
        order = matrix[:, leading].argsort()
        ordered = self.run(matrix[order])
        scores = np.empty_like(ordered)
        scores[order] = ordered
        return scores

    def leading(self, matrix: Matrix) -> int:
        """The position of the feature whose values move these rows' scores most."""
        matrix = matrix[:ROWS_TO_COMPARE]
        before = self.run(matrix)
        moved = []
        for position in range(matrix.shape[1]):
            other = matrix.copy()
            other[:, position] = np.roll(matrix[:, position], len(matrix) // 2)
            moved.append(float(np.abs(self.run(other) - before).mean()))
        return int(np.argmax(moved))
