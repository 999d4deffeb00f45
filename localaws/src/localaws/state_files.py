"""The files that a stage's services are kept in: whole or refused, never taken for empty.

A file begins with the checksum of all that follows. It is written beside the one before, brought to
the disk and put in its place at once; the one before stays as `<name>.json.previous`. Standard
library only: it is read before a server starts.
"""

import contextlib
import hashlib
import json
import os
import re
from pathlib import Path

_CHECKED = re.compile(r'\{"__sha256__": "([0-9a-f]{64})", ')


class DamagedStateError(Exception):
    """A file of the stage's state is not what was written; `before` is there to go back to."""

    def __init__(self, file: Path, before: Path | None) -> None:
        super().__init__(f"{file} is damaged: it is not what the stage wrote")
        self.file = file
        self.before = before


def write(file: Path, text: str) -> None:
    """Replace the file by this JSON object; whenever it is stopped, one of the two is whole."""
    draft = file.with_name(f".{file.name}")
    with draft.open("w") as opened:
        opened.write(f'{{"__sha256__": "{_checksum(text)}", {text[1:]}')
        opened.flush()
        os.fsync(opened.fileno())
    if file.exists():
        before, linked = _previous(file), file.with_name(f".{file.name}.previous")
        linked.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # a disk that has no links keeps one generation
            os.link(file, linked)
            linked.replace(before)
    draft.replace(file)


def check(folder: Path) -> None:
    """Raise DamagedStateError where a file is not as it was written."""
    for file in sorted(folder.glob("[!.]*.json")):
        if not _is_whole(file.read_text(errors="replace")):
            before = _previous(file)
            there = before.exists() and _is_whole(before.read_text(errors="replace"))
            raise DamagedStateError(file, before if there else None)


def _is_whole(text: str) -> bool:
    found = _CHECKED.match(text)
    if found:
        return found[1] == _checksum("{" + text[found.end() :])
    try:  # of an earlier version
        json.loads(text)
    except ValueError:
        return False
    return True


def _previous(file: Path) -> Path:
    return file.with_name(f"{file.name}.previous")


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
