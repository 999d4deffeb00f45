"""trainer.class_weight as a weight for each row. Pure.

Validation rows are weighed like training rows, so that early stopping watches the loss that is
trained. The test rows are not: metrics and threshold are about the rows as they come.
"""

import numpy as np
from numpy.typing import NDArray

from contract.encoding import Encoding
from contract.metrics import Floats
from contract.plan import Plan
from contract.step import StepError


def class_weights(plan: Plan, encoding: Encoding, labels: Floats) -> Floats | None:
    """The weight of each class, in the encoding's order, from the training rows' labels.

    balanced: rows / (classes * rows of the class), so each class weighs the same in sum and a row
    weighs 1 on average. A class that a map does not name weighs 1.
    """
    wanted, classes = plan.trainer.class_weight, encoding.classes or ()
    if wanted is None:
        return None
    if wanted == "balanced":
        counts = np.bincount(labels.astype(np.int64), minlength=len(classes))
        return len(labels) / (len(classes) * counts.astype(np.float64))
    assert not isinstance(wanted, str)  # noqa: S101 - model.yaml allows no other text
    for name in wanted:
        if name not in classes:
            known = ", ".join(f"'{each}'" for each in classes[:6])
            raise StepError(
                f"trainer.class_weight: '{name}' is no class of '{plan.target}', which has {known}"
                f"{', …' if len(classes) > 6 else ''}; correct it in model.yaml"
            )
    return np.array([wanted.get(name, 1.0) for name in classes], dtype=np.float64)


def row_weights(weights: Floats | None, labels: Floats) -> NDArray[np.float32] | None:
    """Each row's weight, in the precision of the libraries; None where all weigh the same."""
    return None if weights is None else weights[labels.astype(np.int64)].astype(np.float32)
