"""A tree ensemble in one form: what is read from either library and written as ONNX."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Link = Literal["identity", "exponential", "sigmoid", "softmax"]


@dataclass
class Tree:
    """One tree as parallel lists. A node's number is its position; node 0 is the root.

    A leaf has feature -1. A row goes to `true` if its value satisfies the ensemble's comparison
    with `threshold`, or if its value is missing and `missing_true` is set. Where a split has
    `members`, a row goes to `true` if its category is one of them.
    """

    output: int
    feature: list[int] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)
    true: list[int] = field(default_factory=list)
    false: list[int] = field(default_factory=list)
    missing_true: list[bool] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    members: dict[int, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Ensemble:
    """The sum of the trees' leaf values and `base`, per output, put through `link`."""

    comparison: Literal["BRANCH_LEQ", "BRANCH_LT"]
    outputs: int
    base: tuple[float, ...]
    link: Link
    trees: tuple[Tree, ...]


def float32_at_most(value: float) -> float:
    """The largest float32 that is not above the value.

    LightGBM compares float32 inputs with float64 thresholds. Rounded to the nearest float32, a
    threshold may become equal to an input just above it, and that row would go the other way.
    Rounded down, `x <= threshold` is true for exactly the same float32 inputs.

    >>> float32_at_most(0.1) <= 0.1 < float(np.float32(0.1))
    True
    """
    with np.errstate(over="ignore"):
        near = np.float32(value)
    if float(near) > value:
        near = np.nextafter(near, np.float32(-np.inf))
    return float(near)
