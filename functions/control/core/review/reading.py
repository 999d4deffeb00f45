"""Reads what the jobs wrote without trusting its shape.

A candidate whose evaluation is broken is rejected, and its page must still say why. So nothing
here raises: what is missing or of the wrong type is None or empty, and the page calls it "not
reported".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.numbers import finite

Document = Mapping[str, Any]
NOTHING: Document = {}


def mapping(value: object) -> Document:
    """The mapping, or an empty one."""
    return value if isinstance(value, Mapping) else NOTHING


def mappings(value: object) -> list[Document]:
    """The mappings in a list, in its order."""
    return [each for each in listed(value) if isinstance(each, Mapping)]


def listed(value: object) -> list[Any]:
    """The list, or an empty one."""
    return list(value) if isinstance(value, list | tuple) else []


@dataclass(frozen=True)
class Estimate:
    """A metric's value and its 95 % interval, whose ends are there together or not at all."""

    value: float
    low: float | None
    high: float | None


def estimate(value: object) -> Estimate | None:
    """Read {value, low, high}, or a bare number without interval; None when there is no value."""
    fields = mapping(value)
    middle = finite(fields.get("value")) if fields else finite(value)
    if middle is None:
        return None
    low, high = finite(fields.get("low")), finite(fields.get("high"))
    if low is None or high is None:
        return Estimate(middle, None, None)
    return Estimate(middle, min(low, high), max(low, high))
