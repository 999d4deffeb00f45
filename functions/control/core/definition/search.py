"""The keys of `model.yaml` about searching for better trainer parameters, inside Train."""

import math
from typing import Annotated

from pydantic import BeforeValidator, Field

from core.definition.part import Part
from core.definition.scalar import Parameter

MOST_TRIALS = 1000


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r:.60} is not a number; write one, without quotes")
    return value


End = Annotated[int | float, BeforeValidator(_number)]


class Dimension(Part):
    """What a parameter may be: from low to high, or one of the choices.

    Between two whole numbers only whole numbers are tried. With `log`, small values are tried as
    often as large ones: as many between 0.01 and 0.1 as between 0.1 and 1.
    """

    low: End | None = None
    high: End | None = None
    log: bool = False
    choices: list[Parameter] | None = None


class Search(Part):
    """How Train looks for better parameters; see containers/train/search.py."""

    trials: Annotated[int, Field(ge=2, le=MOST_TRIALS)] = 50
    # No batch is begun after so long. The result then depends on how fast the machine was.
    minutes: Annotated[int, Field(ge=1, le=7200)] | None = None
    # So many trials are chosen at a time, before any of them is known.
    batch: Annotated[int, Field(ge=1, le=64)] = 4
    space: Annotated[dict[str, Dimension], Field(min_length=1, max_length=32)]
