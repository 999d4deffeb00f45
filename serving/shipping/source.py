"""The files of a release's serving code, and the digest of them all."""

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

# Created where the code runs, or by tools.
LEFT_OUT = {"__pycache__", ".aws-sam", ".DS_Store"}


def files(folder: Path, but: Collection[str] = ()) -> Iterator[tuple[str, Path]]:
    """The files below a folder as sorted (path, file). `but` names top entries to leave out."""
    found = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not LEFT_OUT & set(path.parts)
    }
    for name in sorted(found):
        if name.split("/", 1)[0] not in but:
            yield name, found[name]


def tree_digest(folder: Path, but: Collection[str] = ()) -> str:
    """The sha256 of a folder's files: for each its path, a zero byte and its content's sha256."""
    whole = hashlib.sha256()
    for name, path in files(folder, but):
        whole.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
