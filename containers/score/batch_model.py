"""The released model for batches: the same digits as online, faster for many rows."""

import numpy as np

from contract.onnx_model import Matrix, OnnxModel
from score.category_cells import in_cells

# Rows are widened for the model a few at a time, so that they stay in the processor's cache.
WIDENED_CELLS = 1 << 19
LEAST_ROWS = 256


class BatchModel(OnnxModel):
    """Scores encoded rows as `OnnxModel` does."""

    def __init__(self, content: bytes) -> None:
        model = in_cells(content)
        super().__init__(model.content)
        if not model.columns:
            return
        run = self.run

        def run_widened(matrix: Matrix) -> Matrix:
            rows = max(LEAST_ROWS, WIDENED_CELLS // (matrix.shape[1] + model.width))
            starts = range(0, max(len(matrix), 1), rows)
            found = [run(model.widened(matrix[start : start + rows])) for start in starts]
            return np.concatenate(found)

        self.run = run_widened
