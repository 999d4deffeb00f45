"""CSV as bytes: pieces of bounded size that end where a record ends.

Parsing piece by piece bounds memory, whatever the size of the file, and lets gzip be read without
unpacking it to disk. A quoted cell may hold line breaks, so a piece is only cut at a line break
outside of quotes: one with an even number of quote characters before it.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from preprocess.problems import FileError, Problem

LONGEST_LINE = 1 << 20
# A line longer than LONGEST_LINE covers at least one whole window of half that size.
_WINDOW = LONGEST_LINE // 2
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
# UTF-16 and UTF-32 begin with one of these two.
_WIDE = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Piece:
    """Whole records; `line` is the file's line number of the first."""

    data: bytes
    line: int
    quoted: bool


def open_text(path: Path, name: str) -> IO[bytes] | gzip.GzipFile:
    """Open a text file, unpacking it where its content is gzip."""
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
    """Cut a text file into pieces of about `size` bytes; the first one is the header alone."""
    line = 1
    with open_text(path, name) as stream:
        rest = _read(stream, min(size, LONGEST_LINE + 1), name, line)
        if rest.startswith(_WIDE):
            raise FileError(Problem("is UTF-16, not UTF-8", "save it as UTF-8", name))
        rest = rest.removeprefix(_BOM)
        if not rest:
            return
        head = _first_record(rest, name)
        yield Piece(head, line, quoted=b'"' in head)
        line += head.count(b"\n")
        rest = rest[len(head) :]
        while True:
            read = _read(stream, size, name, line)
            cut = _last_end(rest, read) if read else 0
            if read and not cut:
                rest += read
                check_line_length(rest, name, line)
                if len(rest) > max(4 * size, 4 * LONGEST_LINE):
                    raise _unclosed(name, line)
                continue
            piece = b"".join((rest, memoryview(read)[:cut]))
            if not piece:
                return
            rest = read[cut:]
            check_line_length(piece, name, line)
            yield Piece(piece, line, quoted=b'"' in piece)
            line += piece.count(b"\n")


def check_line_length(data: bytes, name: str, first_line: int) -> None:
    """Refuse a line of more than LONGEST_LINE bytes."""
    for start in range(0, len(data) - _WINDOW + 1, _WINDOW):
        if data.find(b"\n", start, start + _WINDOW) >= 0:
            continue
        begin = data.rfind(b"\n", 0, start) + 1
        end = data.find(b"\n", start)
        length = (end if end >= 0 else len(data)) - begin
        if length > LONGEST_LINE:
            raise FileError(
                Problem(
                    f"is longer than {LONGEST_LINE >> 20} MB",
                    "check the line breaks and quotes; a row must fit one line of that size",
                    name,
                    line=first_line + data.count(b"\n", 0, begin),
                )
            )


def _first_record(data: bytes, name: str) -> bytes:
    """The header, with its line break."""
    end = data.find(b"\n")
    while end >= 0 and data.count(b'"', 0, end) % 2:
        end = data.find(b"\n", end + 1)
    if end < 0:
        check_line_length(data, name, 1)
        if data.count(b'"') % 2:
            raise _unclosed(name, 1)
        return data
    return data[: end + 1]


def _last_end(before: bytes, data: bytes) -> int:
    """Where in `data`, which comes after `before`, the last whole record ends; 0 if nowhere."""
    end = data.rfind(b"\n")
    odd = (before.count(b'"') + data.count(b'"', 0, end)) % 2 if end >= 0 else 0
    while end >= 0 and odd:
        earlier = data.rfind(b"\n", 0, end)
        odd ^= data.count(b'"', max(earlier, 0), end) % 2
        end = earlier
    return end + 1


def _read(stream: IO[bytes] | gzip.GzipFile, size: int, name: str, line: int) -> bytes:
    try:
        return stream.read(size)
    except EOFError:
        what, mend = "gzip ends in the middle", "the file was cut off: upload it again"
    except (gzip.BadGzipFile, zlib.error) as error:
        what, mend = f"gzip is damaged ({error})", "pack and upload it again"
    raise FileError(Problem(what, mend, name, line=line))


def _unclosed(name: str, line: int) -> FileError:
    return FileError(
        Problem("has a quote that is never closed after it", "close it", name, line=line)
    )
