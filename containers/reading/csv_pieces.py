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
# A record of more pieces, or as many times LONGEST_LINE, is a quote that is never closed.
_LONGEST_RECORD = 5
# How much is read twice, to find where a file's last line before some byte ends.
_NEAR = 1 << 16
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
        cutter = _Cutter(path, name, size, stream)
        if (head := cutter.header()) is not None:
            yield head
            # Nothing here keeps a piece while the next one is read.
            yield from iter(cutter.following, None)


class _Cutter:
    """The state while a file is cut. Lines are counted only when a message needs one.

    offset: where the next piece begins. at: how far the text has been read. reach: up to where it
    may be read for the next piece. rest: what has been read and belongs to the next piece.
    """

    def __init__(self, path: Path, name: str, size: int, stream: IO[bytes] | gzip.GzipFile) -> None:
        self.path = path
        self.name = name
        self.size = size
        self.stream = stream
        self.offset = 0
        self.at = 0
        self.reach = 0
        self.rest = b""

    def header(self) -> Piece | None:
        """The first record; None if the file is empty."""
        self.reach = min(self.size, LONGEST_LINE + 1)
        data = self.read(self.reach)
        refuse_wide(data, self.name)
        if data.startswith(_BOM):
            self.offset = len(_BOM)
            data = data[len(_BOM) :]
        if not data:
            return None
        head = self.first_record(data)
        self.rest = data[len(head) :]
        return self.piece(head)

    def following(self) -> Piece | None:
        """The next piece; None at the end of the file."""
        while True:
            self.reach += self.size
            read = self.read(self.to_line_end())
            # Mostly nothing is left of the last piece, and nothing for the next: then these copy
            # nothing.
            data = self.rest + read
            quoted = b'"' in data
            cut = _last_end(data, quoted) if read else len(data)
            self.rest = data[cut:]
            if cut:
                return self.piece(data[:cut], quoted)
            if not read:
                return None
            self.check_unfinished(data)

    def to_line_end(self) -> int:
        """How many bytes to read: a file's up to its last line break before `reach`."""
        size = self.reach - self.at
        if isinstance(self.stream, gzip.GzipFile):
            return size
        near = min(size, _NEAR)
        self.stream.seek(self.reach - near)
        end = self.stream.read(near).rfind(b"\n") + 1
        self.stream.seek(self.at)
        return size - near + end if end else size

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; fewer only at the end of the file."""
        try:
            data = self.stream.read(size)
        except EOFError:
            what, fix = "gzip ends early", "upload the whole file again"
        except (gzip.BadGzipFile, zlib.error) as error:
            what, fix = f"gzip is damaged ({error})", "compress and upload the file again"
        else:
            self.at += len(data)
            return data
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

    def check_unfinished(self, data: bytes) -> None:
        """Raise FileError for a record that does not end."""
        self.check_line_length(data)
        if len(data) > _LONGEST_RECORD * max(self.size, LONGEST_LINE):
            raise self.unclosed()

    def check_line_length(self, data: bytes) -> None:
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


def refuse_wide(text: bytes, name: str) -> None:
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


def _last_end(data: bytes, quoted: bool) -> int:
    """Where the last whole record ends; 0 if none ends."""
    end = data.rfind(b"\n")
    # Searching for a quote is far cheaper than counting quotes, and most files have none.
    odd = quoted and end >= 0 and data.count(b'"', 0, end) % 2 == 1
    while end >= 0 and odd:
        earlier = data.rfind(b"\n", 0, end)
        odd ^= data.count(b'"', max(earlier, 0), end) % 2 == 1
        end = earlier
    return end + 1
