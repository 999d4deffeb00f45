"""The model's input columns, read from its encoding.json without the training libraries."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from scorer.derived import Derived, seconds

# In format 1 a feature's `fallback` is also for unseen categories. See contract/encoding.py.
FORMATS = (1, 2)
# Preprocess gives a whole number one text, so "1.0" is the category "1".
_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0")
_SHOWN_CHARACTERS = 60
_IMPOSSIBLE = "which model.yaml calls impossible; correct it or send null"
_LARGEST = 3.4028235677973366e38  # from here on, float32 rounds to infinity


class EncodingError(Exception):
    """This code cannot read encoding.json."""


class ValueRefusedError(Exception):
    """A value that the feature cannot have. The text says why and what to send instead."""


@dataclass(frozen=True)
class Feature:
    """One input column, in encoded units. A missing value becomes `fallback`, a category without a
    code `unseen`; NaN stands for missing.

    The bounds are those of model.yaml, if it has any. Training also rejects rows outside them.
    `offset` is subtracted from a number before the model sees it. A `date` is a column of a request
    that features are computed from.
    """

    name: str
    kind: Literal["numeric", "categorical", "date"]
    codes: Mapping[str, float]
    fallback: float
    minimum: float | None = None
    maximum: float | None = None
    offset: float = 0.0
    unseen: float = math.nan

    def number(self, value: object) -> float | None:
        """The value as a number; None if missing. Raises ValueRefusedError."""
        if value is None:
            return None
        if type(value) is not float and type(value) is not int:
            raise ValueRefusedError(f"{shown(value)} is not a number; send a number or null")
        # Compared before conversion: a JSON integer may be larger than any float.
        # Its first part is false for NaN too.
        if not (-_LARGEST < value < _LARGEST and -_LARGEST < value - self.offset < _LARGEST):
            raise ValueRefusedError(
                f"{shown(value)} is not a finite 32-bit number; send a finite number or null"
            )
        if self.minimum is not None and value < self.minimum:
            raise ValueRefusedError(f"{shown(value)} is less than {self.minimum:g}, {_IMPOSSIBLE}")
        if self.maximum is not None and value > self.maximum:
            raise ValueRefusedError(f"{shown(value)} is more than {self.maximum:g}, {_IMPOSSIBLE}")
        return float(value)

    def seconds(self, value: object) -> float | None:
        """A date's seconds since 1970; None if missing. Raises ValueRefusedError."""
        if value is None:
            return None
        found = seconds(value) if type(value) is str else None
        if found is None:
            raise ValueRefusedError(
                f"{shown(value)} is not a date; send 2026-01-31, 2026-01-31T12:00:00 or null"
            )
        return found

    def code(self, value: object) -> float | None:
        """The category's code; None if missing. Raises ValueRefusedError."""
        if value is None:
            return None
        code = self.codes.get(self._category(value), self.unseen)
        return None if math.isnan(code) else code

    def instead(self, value: object) -> str | None:
        """What a category without a code is scored as, in words; None for any other."""
        if value is None or self._category(value) in self.codes:
            return None
        if self.unseen < len(self.codes):
            return shown(list(self.codes)[int(self.unseen)])
        as_missing = math.isnan(self.unseen) or self.unseen == self.fallback
        return "missing" if as_missing else "every such category"

    def _category(self, value: object) -> str:
        if type(value) is int:
            value = str(value)
        elif type(value) is float and value.is_integer():
            value = str(int(value))
        elif type(value) is not str:
            raise ValueRefusedError(
                f"{shown(value)} is not a category; send it as text, or null when it is missing"
            )
        whole = _WHOLE.fullmatch(value)
        return whole[1] if whole else value


@dataclass(frozen=True)
class Encoding:
    """A model's input columns in order, and for a classifier the classes of its scores.

    `classes` of a binary model is (negative, positive): its one score is for the positive.
    """

    task: Literal["regression", "binary", "multiclass"]
    target: str
    features: tuple[Feature, ...]
    classes: tuple[str, ...]
    derived: tuple[Derived, ...] = ()

    @property
    def columns(self) -> tuple[Feature, ...]:
        """What a request's row has: the features, and a date in place of what comes from it."""
        dates = {one.name: one.column for one in self.derived if one.part is not None}
        every = {
            dates.get(feature.name, feature.name): Feature(
                dates[feature.name], "date", {}, math.nan
            )
            if feature.name in dates
            else feature
            for feature in self.features
        }
        return tuple(every.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The input columns in the model's order."""
        return tuple(feature.name for feature in self.features)

    @property
    def outputs(self) -> int:
        """How many scores a row has."""
        return len(self.classes) if self.task == "multiclass" else 1


def read_encoding(text: str | bytes, bounds: Iterable[Mapping[str, Any]] = ()) -> Encoding:
    """Read encoding.json. `bounds` are entries with name, minimum and maximum (or null)."""
    document = json.loads(text)
    if document.get("format") not in FORMATS:
        raise EncodingError(
            f"encoding.json has format {document.get('format')!r}, but this version reads formats "
            f"{FORMATS[0]} to {FORMATS[-1]}; train the model again"
        )
    limits = {entry["name"]: entry for entry in bounds}
    derived = tuple(map(Derived.from_document, document.get("derived", ())))
    offsets = {one.name: one.offset for one in derived if one.part is None}
    return Encoding(
        task=document["task"],
        target=document["target"],
        features=tuple(
            Feature(
                name=entry["name"],
                kind=entry["kind"],
                codes={name: float(code) for code, name in enumerate(entry["categories"])},
                fallback=_number(entry["fallback"]),
                unseen=_number(entry.get("unseen", entry["fallback"])),
                minimum=limits.get(entry["name"], {}).get("minimum"),
                maximum=limits.get(entry["name"], {}).get("maximum"),
                offset=offsets.get(entry["name"], 0.0),
            )
            for entry in document["features"]
        ),
        classes=tuple(document["classes"] or ()),
        derived=derived,
    )


def _number(written: float | None) -> float:
    return math.nan if written is None else written


def shown(value: object) -> str:
    """A value for a message: printable and short.

    >>> shown("abc"), shown(True), shown([1, 2])
    ("'abc'", 'true', 'a list')
    """
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is list or type(value) is dict:
        return "a list" if type(value) is list else "an object"
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        return "a number of thousands of digits"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
