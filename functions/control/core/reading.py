"""Reads what the jobs wrote without trusting its shape.

A candidate whose evaluation is broken is rejected, and its page must still say why. So nothing
here raises: what is missing or of the wrong type is None or empty, and the page calls it "not
reported".
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
NOTHING: Document = {}
_LARGEST = 1.7e308


def finite(value: object) -> float | None:
    """The number, or None for what is missing, not a number or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer beyond the range of floats
        return None
    return number if math.isfinite(number) else None


def settled(distance: float) -> float:
    """A distance without the noise of floating point, and within what JSON can hold.

    >>> settled(2.10 - 2.15 + 0.05)
    0.0
    """
    return round(bounded(distance), 12) + 0.0


def bounded(number: float) -> float:
    """The number within what JSON can hold."""
    return min(max(number, -_LARGEST), _LARGEST)


def mapping(value: object) -> Document:
    """The mapping, or an empty one."""
    return value if isinstance(value, Mapping) else NOTHING


def part(document: Document, *keys: str) -> Document:
    """The mapping under these keys, one inside the other, or an empty one."""
    for key in keys:
        document = mapping(document.get(key))
    return document


def mappings(value: object) -> list[Document]:
    """The mappings in a list, in its order."""
    return [each for each in listed(value) if isinstance(each, Mapping)]


def one_or_more(value: object) -> list[Document]:
    """The mappings in a list; one that stands alone counts as a list of one.

    >>> one_or_more({"a": 1}), one_or_more([{"a": 1}, {"b": 2}]), one_or_more(None)
    ([{'a': 1}], [{'a': 1}, {'b': 2}], [])
    """
    return mappings([value] if isinstance(value, Mapping) else value)


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
