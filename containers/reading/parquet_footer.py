"""The row groups of a Parquet file, from its footer alone.

Polars reads a footer's schema but does not show its row groups. The footer is Thrift's compact
protocol, of which this reads what it needs and skips the rest. See the format's parquet.thrift.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAGIC = b"PAR1"
# The footer's length and the magic bytes.
END = 8

# Types of the compact protocol.
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT, _UUID = range(
    1, 14
)
_DEEPEST = 32

Struct = dict[int, Any]


class FooterError(Exception):
    """The bytes are no footer of a Parquet file."""


@dataclass(frozen=True)
class RowGroup:
    """Some rows, and which bytes of the file hold them."""

    rows: int
    start: int
    end: int

    @property
    def bytes(self) -> int:
        """How many they are."""
        return self.end - self.start


def footer_length(end: bytes) -> int | None:
    """The length of a file's footer, from its last bytes; None if it is no Parquet file.

    >>> footer_length(b"\\x05\\0\\0\\0PAR1")
    5
    """
    if len(end) < END or not end.endswith(MAGIC):
        return None
    return int(struct.unpack("<I", end[-END : -len(MAGIC)])[0])


def row_groups(footer: bytes) -> tuple[RowGroup, ...]:
    """The file's row groups. Raises FooterError."""
    try:
        groups = _Thrift(footer).fields().get(4, [])
        return tuple(_row_group(group) for group in groups)
    except (IndexError, KeyError, TypeError, ValueError, struct.error, AttributeError) as error:
        raise FooterError(f"{type(error).__name__}: {error}") from None


def _row_group(group: Struct) -> RowGroup:
    spans = []
    for column in group[1]:
        facts = column[3]
        # A dictionary comes before the data. Some writers have 0 where there is none.
        start = facts.get(11) or facts[9]
        start = min(start, facts[9])
        spans.append((start, start + facts[7]))
    rows = group[3]
    if rows < 0 or any(start < 0 or end < start for start, end in spans):
        raise ValueError("a negative size")
    return RowGroup(rows, min(a for a, _ in spans), max(b for _, b in spans))


class _Thrift:
    """Reads values one after the other. A struct is a dict by the number of the field."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.depth = 0
        self.readers: dict[int, Callable[[], Any]] = {
            _TRUE: lambda: True,
            _FALSE: lambda: False,
            _BYTE: lambda: self.take(1)[0],
            _I16: self.zigzag,
            _I32: self.zigzag,
            _I64: self.zigzag,
            _DOUBLE: lambda: struct.unpack("<d", self.take(8))[0],
            _BINARY: lambda: self.take(self.number()),
            _LIST: self.items,
            _SET: self.items,
            _MAP: self.pairs,
            _STRUCT: self.fields,
            _UUID: lambda: self.take(16),
        }

    def take(self, count: int) -> bytes:
        found = self.data[self.at : self.at + count]
        if len(found) < count:
            raise IndexError("the footer ends early")
        self.at += count
        return found

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number of more than 64 bits")

    def zigzag(self) -> int:
        value = self.number()
        return (value >> 1) ^ -(value & 1)

    def fields(self) -> Struct:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ValueError("too many levels")
        found: Struct = {}
        field = 0
        while head := self.take(1)[0]:
            field = field + (head >> 4) if head >> 4 else self.zigzag()
            found[field] = self.readers[head & 0x0F]()
        self.depth -= 1
        return found

    def items(self) -> list[Any]:
        head = self.take(1)[0]
        count = self.number() if head >> 4 == 15 else head >> 4
        if count > len(self.data):
            raise ValueError("a list longer than the footer")
        kind = head & 0x0F
        if kind in (_TRUE, _FALSE):  # in a list each has a byte of its own
            return list(self.take(count))
        read = self.readers[kind]
        return [read() for _ in range(count)]

    def pairs(self) -> list[tuple[Any, Any]]:
        count = self.number()
        if not count:
            return []
        kinds = self.take(1)[0]
        key, value = self.readers[kinds >> 4], self.readers[kinds & 0x0F]
        return [(key(), value()) for _ in range(count)]
