"""Turn JSON rows into the model's input matrix, or into an error for each row that does not fit.

The same values give the same matrix as containers/contract/encoding.py gives in training. A test
checks that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from struct import error as StructError  # noqa: N812
from struct import pack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorer.encoding import Encoding, Feature, ValueRefusedError, shown

# Warnings must fit into the answer, however many rows there are.
MOST_WARNINGS = 100
_NUMBERS = {float, int, type(None)}

Remark = dict[str, Any]


@dataclass(frozen=True)
class Encoded:
    """The rows that can be scored: float32 [rows, features], and their numbers in the request.

    Every other row has an error. Errors and warnings have the keys row, feature and message.
    """

    matrix: NDArray[np.float32]
    rows: Sequence[int]
    errors: list[Remark]
    warnings: list[Remark]


class _IrregularError(Exception):
    """A row needs the slow way."""


class Encoder:
    """Encodes rows for one model."""

    def __init__(self, encoding: Encoding) -> None:
        self._features = encoding.features
        self._names = encoding.names
        self._known = frozenset(encoding.names)
        self._ordered = list(encoding.names)
        self._categorical = [
            (position, _codes(feature).__getitem__)
            for position, feature in enumerate(encoding.features)
            if feature.kind == "categorical"
        ]
        self._numeric = [
            position
            for position, feature in enumerate(encoding.features)
            if feature.kind == "numeric"
        ]
        self._fallbacks = np.array([feature.fallback for feature in self._features], np.float32)
        self._minimum, self._maximum = (
            np.array([_bound(feature, which) for feature in self._features])
            for which in ("minimum", "maximum")
        )
        self._bounded = bool(np.isfinite([self._minimum, self._maximum]).any())

    def encode(self, rows: Sequence[object]) -> Encoded:
        """Encode all rows together; row by row only if one is irregular."""
        try:
            return Encoded(self._matrix(self._values(rows)), range(len(rows)), [], [])
        except (_IrregularError, KeyError, TypeError, OverflowError):
            return self._one_by_one(rows)

    def _values(self, rows: Sequence[Any]) -> list[Any]:
        """All values, row after row, categories as codes. Raises if any row is irregular."""
        values = self._in_order(rows)
        for position, code in self._categorical:
            column = slice(position, None, len(self._names))
            values[column] = map(code, values[column])
        return values

    def _in_order(self, rows: Sequence[Any]) -> list[Any]:
        """All values, row after row, in the features' order; None for one left out."""
        first = list(rows[0])
        # Most callers send every row with the model's features in the model's order.
        if first == self._ordered and list(chain.from_iterable(rows)) == first * len(rows):
            return list(chain.from_iterable(map(dict.values, rows)))
        if all(type(row) is dict and self._known.issuperset(row) for row in rows):
            return [row.get(name) for row in rows for name in self._names]
        raise _IrregularError

    def _matrix(self, values: list[Any]) -> NDArray[np.float32]:
        width = len(self._names)
        try:
            # The fastest way to numbers refuses text and null, but accepts true and false.
            exact = np.frombuffer(pack(f"{len(values)}d", *values)).reshape(-1, width)
            if self._truth_among(values, exact):
                raise _IrregularError
            missing = 0
        except StructError:
            if not set(map(type, values)) <= _NUMBERS:
                raise _IrregularError from None
            exact = np.array(values, np.float64).reshape(-1, width)
            missing = values.count(None)
        if self._bounded and ((exact < self._minimum) | (exact > self._maximum)).any():
            raise _IrregularError
        # Only missing values may be not finite.
        with np.errstate(over="ignore"):
            matrix = exact.astype(np.float32)
        if np.count_nonzero(np.isfinite(matrix)) != matrix.size - missing:
            raise _IrregularError
        if missing:
            np.copyto(matrix, self._fallbacks, where=np.isnan(matrix))
        return matrix

    def _truth_among(self, values: list[Any], exact: NDArray[np.float64]) -> bool:
        """Is a numeric value true or false? Only a 1 or 0 can be."""
        suspects = ((exact == 0) | (exact == 1)).any(axis=0)
        return any(
            bool in set(map(type, values[position :: len(self._names)]))
            for position in self._numeric
            if suspects[position]
        )

    def _one_by_one(self, rows: Sequence[object]) -> Encoded:
        kept: list[int] = []
        values: list[float | None] = []
        errors: list[Remark] = []
        warnings: list[Remark] = []
        for number, row in enumerate(rows):
            encoded, problems = self._examined(row)
            if problems:
                errors.append(_first(number, problems))
                continue
            kept.append(number)
            values.extend(encoded)
            assert isinstance(row, dict)  # noqa: S101 - anything else was a problem
            warnings.extend(self._unseen(number, row))
        return Encoded(self._matrix(values), kept, errors, warnings)

    def _examined(self, row: object) -> tuple[list[float | None], list[tuple[str | None, str]]]:
        """A row's values, and its problems as (feature, message)."""
        if not isinstance(row, dict):
            return [], [(None, f"a row is an object of features, not {shown(row)}")]
        problems: list[tuple[str | None, str]] = [
            (name, f"is not a feature of this model; its features are {_some(self._names)}")
            for name in row
            if name not in self._known
        ]
        values: list[float | None] = []
        for feature in self._features:
            value = row.get(feature.name)
            try:
                numeric = feature.kind == "numeric"
                values.append(feature.number(value) if numeric else feature.code(value))
            except ValueRefusedError as error:
                problems.append((feature.name, str(error)))
        return values, problems

    def _unseen(self, number: int, row: dict[str, Any]) -> Iterable[Remark]:
        for position, _ in self._categorical:
            feature = self._features[position]
            value = row.get(feature.name)
            instead = feature.instead(value)
            if instead:
                what = f"{shown(value)} was rare or absent in the training rows"
                message = f"{what}; scored as {instead}"
                yield {"row": number, "feature": feature.name, "message": message}


def limited(remarks: list[Remark]) -> list[Remark]:
    """At most MOST_WARNINGS remarks; one more counts the rest."""
    more = len(remarks) - MOST_WARNINGS
    if more <= 0:
        return remarks
    rest = {"row": None, "feature": None, "message": f"and {more} more like these"}
    return [*remarks[:MOST_WARNINGS], rest]


def _first(row: int, problems: list[tuple[str | None, str]]) -> Remark:
    feature, message = problems[0]
    more = len(problems) - 1
    if more:
        message += f" (and {more} more problem{'s' if more > 1 else ''} in this row)"
    return {"row": row, "feature": feature, "message": message}


def _codes(feature: Feature) -> dict[str | None, float | None]:
    codes: dict[str | None, float | None] = {None: None}
    return codes | dict(feature.codes)


def _bound(feature: Feature, which: str) -> float:
    value: float | None = getattr(feature, which)
    if value is None:
        return -np.inf if which == "minimum" else np.inf
    return value


def _some(names: Sequence[str], limit: int = 20) -> str:
    return ", ".join(names[:limit]) + (", …" if len(names) > limit else "")
