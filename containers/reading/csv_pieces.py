"""CSV as bytes, cut into pieces of bounded size that end where a record ends.

Parsing piece by piece bounds memory, whatever the size of the file, and reads gzip without
unpacking it to disk. A quoted cell may contain line breaks, so a piece is only cut at a line break
outside quotes: one with an even number of quote characters before it.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from contract.problem import Problem
from reading.findings import FileError

LONGEST_LINE = 1 << 20
# A line longer than LONGEST_LINE covers at least one whole window of half that size.
_WINDOW = LONGEST_LINE // 2
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
# UTF-16 and UTF-32 begin with one of these two.
_WIDE = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Piece:
    """Whole records, and whether they contain a quote character."""

    data: bytes
    quoted: bool

    def may_have(self, word: str) -> bool:
        """False only if the word does not occur. Looking for bytes is cheaper than for words."""
        return all(bytes([byte]) in self.data for byte in word.encode())


def open_text(path: Path, name: str) -> IO[bytes] | gzip.GzipFile:
    """Open a text file. Unpacks gzip, which is recognised by its content."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    if packed:
        return gzip.open(path, "rb")
    if name.endswith(".gz"):
        raise FileError(
            Problem("is named .gz but is not gzip", "compress it, or rename it to .csv", name)
        )
    return path.open("rb")


def pieces(path: Path, name: str, size: int) -> Iterator[Piece]:
    """Cut a text file into pieces of about `size` bytes. The first piece is the header alone."""
    with open_text(path, name) as stream:
        cutter = _Cutter(path, name, size)
        # One buffer for all reads: allocating one for each piece costs as much as the copying.
        buffer = bytearray(size + LONGEST_LINE)
        held = cutter.read(stream, buffer, 0, min(size, LONGEST_LINE + 1))
        refuse_wide(buffer, name)
        if buffer.startswith(_BOM):
            cutter.offset = len(_BOM)
            held = _move_up(buffer, len(_BOM), held)
        if not held:
            return
        head = cutter.first_record(bytes(memoryview(buffer)[:held]))
        yield cutter.piece(head)
        held = _move_up(buffer, len(head), held)
        while True:
            if len(buffer) - held < size // 2:
                cutter.check_unfinished(buffer[:held])
                buffer.extend(bytes(size))
            before = held
            held += cutter.read(stream, buffer, held, min(size, len(buffer) - held))
            if not held:
                return
            quoted = buffer.find(b'"', 0, held) >= 0
            cut = held if held == before else _last_end(buffer, held, quoted)
            if cut:
                yield cutter.piece(bytes(memoryview(buffer)[:cut]), quoted)
                held = _move_up(buffer, cut, held)


class _Cutter:
    """The state while a file is cut. Lines are counted only when a message needs one."""

    def __init__(self, path: Path, name: str, size: int) -> None:
        self.path = path
        self.name = name
        self.size = size
        self.offset = 0

    def read(
        self, stream: IO[bytes] | gzip.GzipFile, buffer: bytearray, start: int, size: int
    ) -> int:
        """Fill the buffer from `start` on with up to `size` bytes; return how many were read."""
        try:
            with memoryview(buffer) as view:
                return stream.readinto(view[start : start + size])  # type: ignore[union-attr]
        except EOFError:
            what, fix = "gzip ends early", "upload the whole file again"
        except (gzip.BadGzipFile, zlib.error) as error:
            what, fix = f"gzip is damaged ({error})", "compress and upload the file again"
        raise self.error(what, fix, self.offset)

    def piece(self, data: bytes, quoted: bool = True) -> Piece:
        """The next piece; `quoted` says whether it may contain a quote character."""
        self.check_line_length(data)
        self.offset += len(data)
        return Piece(data, quoted=quoted and b'"' in data)

    def first_record(self, data: bytes) -> bytes:
        """The header, with its line break."""
        end = data.find(b"\n")
        while end >= 0 and data.count(b'"', 0, end) % 2:
            end = data.find(b"\n", end + 1)
        if end >= 0:
            return data[: end + 1]
        self.check_line_length(data)
        if data.count(b'"') % 2:
            raise self.unclosed()
        return data

    def check_unfinished(self, data: bytes | bytearray) -> None:
        """Raise FileError for a record that does not end."""
        self.check_line_length(data)
        if len(data) > max(4 * self.size, 4 * LONGEST_LINE):
            raise self.unclosed()

    def check_line_length(self, data: bytes | bytearray) -> None:
        """Raise FileError for a line of more than LONGEST_LINE bytes."""
        for start in range(0, len(data) - _WINDOW + 1, _WINDOW):
            if data.find(b"\n", start, start + _WINDOW) >= 0:
                continue
            begin = data.rfind(b"\n", 0, start) + 1
            end = data.find(b"\n", start)
            if (end if end >= 0 else len(data)) - begin > LONGEST_LINE:
                raise self.error(
                    f"is longer than {LONGEST_LINE >> 20} MB",
                    "check the line breaks and quotes; a row must fit into one line of that size",
                    self.offset + begin,
                )

    def unclosed(self) -> FileError:
        return unclosed(self.name, self.line_at(self.offset))

    def error(self, what: str, fix: str, offset: int) -> FileError:
        return FileError(Problem(what, fix, self.name, line=self.line_at(offset)))

    def line_at(self, offset: int) -> int:
        """The number of the line that contains byte `offset` of the text."""
        line = 1
        with open_text(self.path, self.name) as stream:
            while offset > 0 and (read := stream.read(min(offset, 1 << 20))):
                line += read.count(b"\n")
                offset -= len(read)
        return line


def refuse_wide(text: bytes | bytearray, name: str) -> None:
    """Raise FileError for the beginning of a file that is UTF-16."""
    if text.startswith(_WIDE):
        raise FileError(Problem("is UTF-16, not UTF-8", "save it as UTF-8", name))


def decoded(piece: Piece, name: str, line: int) -> str:
    """The text of a piece that begins on `line`. Raises FileError if it is not UTF-8."""
    try:
        return piece.data.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = Problem(
            f"is not UTF-8 (byte 0x{piece.data[error.start]:02x})",
            "save the file as UTF-8; it may be Windows-1252, Latin-1 or Shift_JIS",
            name,
            line=line + piece.data.count(b"\n", 0, error.start),
        )
    raise FileError(problem)


def unclosed(name: str, line: int) -> FileError:
    """The error for a record that begins on this line and never ends."""
    problem = Problem("begins a quote that is never closed", "close it", name, line=line)
    return FileError(problem)


def _last_end(data: bytearray, length: int, quoted: bool) -> int:
    """Where the last whole record of the first `length` bytes ends; 0 if none ends."""
    end = data.rfind(b"\n", 0, length)
    # Searching for a quote is far cheaper than counting quotes, and most files have none.
    odd = quoted and end >= 0 and data.count(b'"', 0, end) % 2 == 1
    while end >= 0 and odd:
        earlier = data.rfind(b"\n", 0, end)
        odd ^= data.count(b'"', max(earlier, 0), end) % 2 == 1
        end = earlier
    return end + 1


def _move_up(data: bytearray, start: int, end: int) -> int:
    """Move the bytes from start to end to the front; return how many they are."""
    data[: end - start] = data[start:end]
    return end - start
