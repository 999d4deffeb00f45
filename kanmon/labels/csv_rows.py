"""CSV files without some rows, one record at a time. The others keep every byte."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from kanmon.labels.rewritten import Rewritten

GZIP, BOM = b"\x1f\x8b", "\ufeff"
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Data is packed to a tenth or so, never to less than a hundredth; a small file may be.
MOST_PACKED, ALWAYS_UNPACKED = 100, 64 << 20
# Scoring takes no line of over 1 MB. What is longer than this is hardly a record.
LONGEST_RECORD = 16 << 20

# Is the record of these cells, which is the n-th after the header, one of the rows?
IsMeant = Callable[[list[str], int], bool]


class _UnreadableError(Exception):
    """Why a file cannot be searched."""


def without(
    source: Path,
    target: Path | None,
    delimiter: str,
    found: Callable[[list[str]], IsMeant],
    *,
    blank: bool,
) -> Rewritten:
    """Count the rows that are meant, and write the others to the target, if there is one.

    found: makes the question of a header. blank: a row that is meant becomes an empty line, so that
    the others keep their numbers. A gzipped file is gzipped again.
    """
    packed = _is_packed(source)
    gone, left = 0, 0
    is_meant: IsMeant | None = None
    with ExitStack() as files:
        text = files.enter_context(_opened(source, packed))
        kept = _created(target, packed, files) if target else None
        most = max(ALWAYS_UNPACKED, MOST_PACKED * source.stat().st_size) if packed else None
        try:
            for row, (cells, raw) in enumerate(_records(text, delimiter, most)):
                if is_meant is None:
                    is_meant = found([cell.removeprefix(BOM) for cell in cells])
                elif is_meant(cells, row):
                    gone += 1
                    raw = "\n" if blank else ""
                else:
                    left += bool(cells)
                if kept:
                    kept.write(raw)
        except _UnreadableError as error:
            return Rewritten(0, unreadable=str(error))
        except UnicodeDecodeError as error:
            wide = error.start == 0 and error.object.startswith(WIDE)
            what = "is UTF-16, not UTF-8" if wide else "is no UTF-8 text"
            return Rewritten(0, unreadable=f"it {what}")
        except EOFError:
            return Rewritten(0, unreadable="its gzip ends early")
        except (gzip.BadGzipFile, zlib.error):
            return Rewritten(0, unreadable="its gzip is damaged")
        except csv.Error:
            return Rewritten(0, unreadable="it is no CSV")
    return Rewritten(gone, left)


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def _opened(path: Path, packed: bool) -> TextIO:
    # Without a translation of line breaks: what is kept is written as it was read.
    if packed:
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _created(path: Path, packed: bool, files: ExitStack) -> TextIO:
    file = files.enter_context(path.open("wb"))
    if not packed:
        return files.enter_context(io.TextIOWrapper(file, encoding="utf-8", newline=""))
    # Without a name and the time, so that the same rows are the same bytes.
    zipped = files.enter_context(gzip.GzipFile("", "wb", 6, file, mtime=0))
    return files.enter_context(io.TextIOWrapper(zipped, encoding="utf-8", newline=""))


def _records(text: TextIO, delimiter: str, most: int | None) -> Iterator[tuple[list[str], str]]:
    """Each record with the very text that it was read from. Raises _UnreadableError.

    most: a file that unpacks to more is made to fill the disk of those who read it.
    """
    taken: list[str] = []
    size, whole = 0, 0

    def lines() -> Iterator[str]:
        nonlocal size, whole
        while line := text.readline(LONGEST_RECORD):
            size += len(line)
            whole += len(line)
            if most is not None and whole > most:
                raise _UnreadableError(f"it unpacks to over {MOST_PACKED} times its size")
            if size >= LONGEST_RECORD:
                raise _UnreadableError(
                    f"it has a row of over {LONGEST_RECORD >> 20} MB, as a quote makes that is "
                    "never closed"
                )
            taken.append(line)
            yield line

    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_RECORD))
    raw = ""
    for cells in csv.reader(lines(), delimiter=delimiter):
        raw = "".join(taken)
        yield cells, raw
        taken.clear()
        size = 0
    if _is_open(raw, delimiter):
        raise _UnreadableError("it begins a quote that is never closed")


def _is_open(record: str, delimiter: str) -> bool:
    """Does the record end within quotes, so that it has swallowed the rows that followed?

    >>> _is_open('7,"a', ","), _is_open('7,"a"', ","), _is_open('7,5" disk', ",")
    (True, False, False)
    """
    if '"' not in record:
        return False
    following = io.StringIO(f"{record}\nx\n", newline="")
    return sum(1 for _ in csv.reader(following, delimiter=delimiter)) == 1
