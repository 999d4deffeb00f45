"""A single value: what a parameter of a training library is."""

import math
from typing import Annotated

from pydantic import BeforeValidator


def _scalar(value: object) -> object:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("is not a single value; write one number, text, true or false")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("is not a finite number; write one")
    return value


Scalar = bool | int | float | str
Parameter = Annotated[Scalar, BeforeValidator(_scalar)]
