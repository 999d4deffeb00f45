"""Captured requests as JSON lines: one scored row a line, as serving/scoring/scorer/capture.py
writes them. Pure: bytes in, frames out.

The frame has the columns at, request_id, release, row and file, `key_<name>` for each column of the
row's key, `feature_<name>` for each captured column of the request, prediction, and the scores.
A column is Float64 if all its values are numbers, else text. Compacted files have the same columns.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import polars as pl

from contract.whole_numbers import canonical

KEY, FEATURE, CLASS = "key_{}", "feature_{}", "probability_{}"
IDENTITY = ["request_id", "row"]
FACTS: dict[str, pl.DataType] = {
    "at": pl.Datetime("us", "UTC"),
    "request_id": pl.String(),
    "release": pl.Int64(),
    "row": pl.Int64(),
    "file": pl.String(),
}
# A larger whole number is not exact as a float.
_EXACT = 2**53

Line = dict[str, Any]


class DamagedError(Exception):
    """The line is not what the scorer writes."""


def parsed(content: bytes, file: str) -> tuple[list[Line], int]:
    """The lines of a file as flat rows, and how many lines are damaged."""
    rows, damaged = [], 0
    for line in content.split(b"\n"):
        if line.strip():
            try:
                rows.append(_row(line, file))
            except DamagedError:
                damaged += 1
    return rows, damaged


def _row(line: bytes, file: str) -> Line:
    try:
        document = _DECODER.decode(line.decode())
        row: Line = {
            "at": _time(document["at"]),
            "request_id": _text(document["request_id"]),
            "release": _whole(document["release"]),
            "row": _whole(document["row"]),
            "file": file,
            "prediction": _value(document["prediction"]),
        }
        if "probability" in document:
            row["probability"] = _share(document["probability"])
        for name, share in document.get("probabilities", {}).items():
            row[CLASS.format(_text(name))] = _share(share)
        # Lines of earlier versions have no key.
        for name, value in document.get("key", {}).items():
            row[KEY.format(_text(name))] = None if isinstance(value, dict | list) else _value(value)
        for name, value in document["features"].items():
            row[FEATURE.format(_text(name))] = _value(value)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise DamagedError from None
    if row["prediction"] is None:
        raise DamagedError
    return row


def _refused(word: str) -> NoReturn:
    raise ValueError(word)


_DECODER = json.JSONDecoder(parse_constant=_refused)


def _time(value: object) -> datetime.datetime:
    at = datetime.datetime.fromisoformat(_text(value))
    if at.tzinfo is None:
        raise DamagedError
    return at


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise DamagedError
    return value


def _share(value: object) -> float:
    if not isinstance(value, float | int) or not 0 <= value <= 1:
        raise DamagedError
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise DamagedError
    # JSON can hold half of a surrogate pair, which no other text can.
    return value if value.isascii() else value.encode(errors="replace").decode()


def _value(value: object) -> float | int | str | None:
    if value is None or type(value) is int:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is bool:
        return "true" if value else "false"
    return _text(value)


def framed(rows: list[Line]) -> pl.DataFrame:
    """The rows as a frame. A column that a row does not have is null in it."""
    names = dict.fromkeys([*FACTS, *(name for row in rows for name in row)])
    return pl.DataFrame([_column(name, [row.get(name) for row in rows]) for name in names])


def _column(name: str, values: list[Any]) -> pl.Series:
    if name in FACTS:
        return pl.Series(name, values, FACTS[name])
    if {*map(type, values)} <= {float, int, type(None)} and all(
        type(value) is not int or -_EXACT <= value <= _EXACT for value in values
    ):
        # Without a value it is text: it may be any column.
        known = any(value is not None for value in values)
        return pl.Series(name, values, pl.Float64 if known else pl.String, strict=False)
    return pl.Series(name, [None if value is None else text_of(value) for value in values])


def text_of(value: float | int | str) -> str:
    """A value's one text, as Preprocess gives it.

    >>> text_of(1.0), text_of("1.0"), text_of(0.5), text_of(-0.0)
    ('1', '1', '0.5', '0')
    """
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _EXACT else str(value)
    return canonical(str(value))


def joined(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """All rows of the frames. Where a column is a number in one and text in another, it is text."""
    frames = [pl.DataFrame(schema=FACTS), *frames]
    types: dict[str, pl.DataType] = {}
    for frame in frames:
        for name, dtype in frame.schema.items():
            types[name] = dtype if types.get(name, dtype) == dtype else pl.String()
    return pl.concat([_cast(frame, types) for frame in frames], how="diagonal")


def _cast(frame: pl.DataFrame, types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return frame.with_columns(
        as_text(name, dtype)
        for name, dtype in frame.schema.items()
        if types[name] == pl.String and dtype != pl.String
    )


def as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column's values with one text for a whole number."""
    value = pl.col(name)
    if dtype == pl.String:
        return value
    whole = (value == value.floor()) & (value.abs() < _EXACT)
    # Adding 0.0 turns -0.0 into 0.0.
    integer = pl.when(whole).then(value + 0.0).cast(pl.Int64).cast(pl.String)
    return pl.coalesce(integer, value.cast(pl.String)).alias(name)
