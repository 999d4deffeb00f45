"""Which files can be a model's data, and how S3 tells whether one has changed. Standard library
only: the command line and the step that gathers ask alike."""

import hashlib
import unicodedata
from pathlib import Path

ENDINGS = (".csv", ".csv.gz", ".parquet")
# Data files are not: other programs write such names beside them.
HIDDEN = (".", "_")
# Part size of uploads. A large object's ETag depends on it: a change uploads everything again.
PART = 8 * 1024 * 1024
# S3 allows keys of 1024 bytes; this leaves room for any prefix.
LONGEST_NAME = 255


def name_problem(name: str) -> tuple[str, str] | None:
    """What is wrong with the name of a data file, and the fix; None if nothing is.

    Spaces, quotes and any letters are allowed.

    >>> name_problem("Größen 'März'.csv")
    >>> name_problem("notes.txt")
    ('notes.txt is not a data file', 'Use .csv, .csv.gz or .parquet.')
    """
    if name in {"", ".", ".."} or "/" in name or "\\" in name:
        return f"{name!r} is not a valid name for a data file", "Rename it, without slashes."
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name):
        return f"the file name {name!r} contains control characters", "Rename it."
    if len(name.encode()) > LONGEST_NAME:
        return f"the file name {name[:40]!r}… is too long", "Rename it."
    if name.startswith(HIDDEN):
        words = f"{name} is hidden: no step reads a file whose name begins with . or _"
        return words, "Rename it."
    if not name.lower().endswith(ENDINGS):
        return f"{name} is not a data file", f"Use {endings()}."
    return None


def endings() -> str:
    """What the names of data files end in, in words."""
    return f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"


def md5s_of(path: Path) -> list[bytes]:
    """The MD5 of each part of the file, as it would be uploaded."""
    parts = []
    with path.open("rb") as file:
        while chunk := file.read(PART):
            parts.append(hashlib.md5(chunk, usedforsecurity=False).digest())
    return parts


def etag_of_parts(parts: list[bytes]) -> str:
    """The ETag of an object that was uploaded in these parts: the MD5 of their MD5s."""
    return f"{hashlib.md5(b''.join(parts), usedforsecurity=False).hexdigest()}-{len(parts)}"


def etag_of(path: Path) -> str:
    """The ETag that S3 gives this file: its MD5, or for several parts the MD5 of their MD5s."""
    parts = md5s_of(path)
    return parts[0].hex() if len(parts) == 1 else etag_of_parts(parts)
