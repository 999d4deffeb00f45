"""Which files a release's serving code is made of, and the one digest of them."""

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

# Made where the code is used, or by the tools that look at it.
LEFT_OUT = {"__pycache__", ".aws-sam", ".DS_Store"}


def files(folder: Path, but: Collection[str] = ()) -> Iterator[tuple[str, Path]]:
    """The files below a folder as (path with slashes, file), sorted; `but` are names at its top."""
    found = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not LEFT_OUT & set(path.parts)
    }
    for name in sorted(found):
        if name.split("/", 1)[0] not in but:
            yield name, found[name]


def tree_digest(folder: Path, but: Collection[str] = ()) -> str:
    """The sha256 of a folder's files: of each its path, a zero byte and its content's sha256."""
    whole = hashlib.sha256()
    for name, path in files(folder, but):
        whole.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
