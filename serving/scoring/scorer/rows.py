"""Turn JSON rows into the model's input matrix, or into an error for each row that does not fit.

The same values give the same matrix as containers/contract/encoding.py gives in training. A test
checks that.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from struct import error as StructError  # noqa: N812
from struct import pack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorer.derived import matrix as matrix_of
from scorer.encoding import Encoding, Feature, ValueRefusedError, shown

# Warnings must fit into the answer, however many rows there are.
MOST_WARNINGS = 100
# So many rows are numbered in a message; the others are counted.
MOST_ROWS_NAMED = 10
_NUMBERS = {float, int, type(None)}

Remark = dict[str, Any]


@dataclass(frozen=True)
class Encoded:
    """The rows that can be scored: float32 [rows, features], and their numbers in the request.

    Every other row has an error. Errors and warnings have the keys row, feature and message.
    `keyed`: rows may have more than features, which is the key.
    """

    matrix: NDArray[np.float32]
    rows: Sequence[int]
    errors: list[Remark]
    warnings: list[Remark]
    keyed: bool = True


class IncompleteError(Exception):
    """Rows leave out features of the model. `remarks` name each feature, and the rows without it.

    A feature that is left out is a mistake of the program that asks, and all its rows have it. One
    whose value is unknown is sent as null.
    """

    def __init__(self, remarks: list[Remark]) -> None:
        super().__init__(f"{len(remarks)} features are left out or unknown")
        self.remarks = remarks


class _IrregularError(Exception):
    """A row needs the slow way."""


class Encoder:
    """Encodes rows for one model. A row may have the columns of the key besides the features."""

    def __init__(self, encoding: Encoding, key: Iterable[str] = ()) -> None:
        self._features = encoding.columns
        self._names = tuple(feature.name for feature in self._features)
        self._needed = frozenset(self._names)
        self._known = self._needed.union(key)
        self._ordered = list(self._names)
        self._categorical = [
            (position, _codes(feature).__getitem__)
            for position, feature in enumerate(self._features)
            if feature.kind == "categorical"
        ]
        self._dates = [
            (position, feature.seconds)
            for position, feature in enumerate(self._features)
            if feature.kind == "date"
        ]
        self._numeric = [
            position for position, feature in enumerate(self._features) if feature.kind == "numeric"
        ]
        self._inputs, self._derived = encoding.names, encoding.derived
        self._fallbacks = np.array([feature.fallback for feature in encoding.features], np.float32)
        self._minimum, self._maximum = (
            np.array([_bound(feature, which) for feature in self._features])
            for which in ("minimum", "maximum")
        )
        self._bounded = bool(np.isfinite([self._minimum, self._maximum]).any())

    def encode(self, rows: Sequence[object]) -> Encoded:
        """Encode all rows together; row by row only if one is irregular.

        Raises IncompleteError if a row leaves out a feature.
        """
        try:
            values, keyed = self._values(rows)
            matrix, blank = self._matrix(values)
        except (_IrregularError, ValueRefusedError, KeyError, TypeError, OverflowError):
            incomplete = list(self._incomplete(rows))
            if incomplete:
                raise IncompleteError(incomplete) from None
            return self._one_by_one(rows)
        warnings = [_without_value(row) for row in blank]
        return Encoded(matrix, range(len(rows)), [], warnings, keyed)

    def _values(self, rows: Sequence[Any]) -> tuple[list[Any], bool]:
        """All values, row after row, categories as codes and dates as seconds; and whether the rows
        may have more than features.

        Raises if any row is irregular.
        """
        values, keyed = self._in_order(rows)
        for position, code in (*self._categorical, *self._dates):
            column = slice(position, None, len(self._names))
            values[column] = map(code, values[column])
        return values, keyed

    def _in_order(self, rows: Sequence[Any]) -> tuple[list[Any], bool]:
        """All values, row after row, in the features' order."""
        first = list(rows[0])
        # Most callers send every row with the model's features in the model's order.
        if first == self._ordered and list(chain.from_iterable(rows)) == first * len(rows):
            return list(chain.from_iterable(map(dict.values, rows))), False
        for known, keyed in ((self._needed, False), (self._known, True)):
            if all(type(row) is dict and known.issuperset(row) for row in rows):
                return [row[name] for row in rows for name in self._names], keyed
        raise _IrregularError

    def _matrix(self, values: list[Any]) -> tuple[NDArray[np.float32], list[int]]:
        """The matrix, and the positions of the rows in which every value is missing."""
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
        # Of the request's columns: a part of a missing date is missing, too.
        blank = np.flatnonzero(np.isnan(exact).all(axis=1)).tolist() if missing >= width else []
        if self._derived:
            matrix = self._computed(exact)
        if missing:
            np.copyto(matrix, self._fallbacks, where=np.isnan(matrix))
        return matrix, blank

    def _computed(self, exact: NDArray[np.float64]) -> NDArray[np.float32]:
        """The model's input columns where some are computed from a request's."""
        with np.errstate(over="ignore"):
            values = matrix_of(self._inputs, self._names, self._derived, exact).astype(np.float32)
        if np.isinf(values).any():  # beyond float32 only after the offset
            raise _IrregularError
        return values

    def _truth_among(self, values: list[Any], exact: NDArray[np.float64]) -> bool:
        """Is a numeric value true or false? Only a 1 or 0 can be."""
        suspects = ((exact == 0) | (exact == 1)).any(axis=0)
        return any(
            bool in set(map(type, values[position :: len(self._names)]))
            for position in self._numeric
            if suspects[position]
        )

    def _incomplete(self, rows: Sequence[object]) -> Iterator[Remark]:
        """A remark for each feature that a row leaves out. If there is one, also for each name that
        is no feature: it may be a misspelling."""
        given = {number: row for number, row in enumerate(rows) if isinstance(row, dict)}
        if all(self._needed.issubset(row) for row in given.values()):
            return
        for name in self._names:
            without = [number for number, row in given.items() if name not in row]
            if without:
                place = "every row" if len(without) == len(rows) else _numbered(without)
                message = f"is left out of {place}; send it, or null where its value is unknown"
                yield {"row": None, "feature": name, "message": message}
        for name in dict.fromkeys(chain.from_iterable(given.values())):
            if name not in self._known:
                yield {"row": None, "feature": name, "message": self._no_feature()}

    def _no_feature(self) -> str:
        return f"is not a feature of this model; its features are {_some(self._names)}"

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
        matrix, blank = self._matrix(values)
        warnings.extend(_without_value(kept[position]) for position in blank)
        return Encoded(matrix, kept, errors, warnings)

    def _examined(self, row: object) -> tuple[list[float | None], list[tuple[str | None, str]]]:
        """A row's values, and its problems as (feature, message)."""
        if not isinstance(row, dict):
            return [], [(None, f"a row is an object of features, not {shown(row)}")]
        problems: list[tuple[str | None, str]] = [
            (name, self._no_feature()) for name in row if name not in self._known
        ]
        values: list[float | None] = []
        for feature in self._features:
            value = row[feature.name]
            try:
                values.append(_READERS[feature.kind](feature, value))
            except ValueRefusedError as error:
                problems.append((feature.name, str(error)))
        return values, problems

    def _unseen(self, number: int, row: dict[str, Any]) -> Iterable[Remark]:
        for position, _ in self._categorical:
            feature = self._features[position]
            value = row[feature.name]
            instead = feature.instead(value)
            if instead:
                what = f"{shown(value)} was rare or absent in the training rows"
                message = f"{what}; scored as {instead}"
                yield {"row": number, "feature": feature.name, "message": message}


_READERS: Mapping[str, Callable[[Feature, object], float | None]] = {
    "numeric": Feature.number,
    "categorical": Feature.code,
    "date": Feature.seconds,
}


def limited(remarks: list[Remark]) -> list[Remark]:
    """At most MOST_WARNINGS remarks; one more counts the rest."""
    more = len(remarks) - MOST_WARNINGS
    if more <= 0:
        return remarks
    rest = {"row": None, "feature": None, "message": f"and {more} more like these"}
    return [*remarks[:MOST_WARNINGS], rest]


def _without_value(row: int) -> Remark:
    message = "no feature has a value that training saw, so the prediction says nothing of this row"
    return {"row": row, "feature": None, "message": message}


def _numbered(rows: Sequence[int]) -> str:
    """
    >>> _numbered([3]), _numbered([0, 4]), _numbered(range(12))
    ('row 3', 'rows 0 and 4', 'rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more')
    """
    if len(rows) == 1:
        return f"row {rows[0]}"
    named = [str(row) for row in rows[:MOST_ROWS_NAMED]]
    more = len(rows) - len(named)
    last = f"{more} more" if more else named.pop()
    return f"rows {', '.join(named)} and {last}"


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
