"""bundle.zip: a release's record, its golden records and the serving code it is deployed with.

The same content gives the same bytes, whichever machine packs it: entries are sorted, carry no
times, and are stored without compression, which differs between versions of zlib.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from core.words.catalogue import say

RECORD, GOLDEN = "release.json", "golden.json"
# What the pipeline reads from the bundle's top; without them this is not the serving folder.
_NEEDED = ("serving.yaml", "buildspec.yml")
_LEFT_OUT = ("__pycache__", ".aws-sam", ".DS_Store")


class ServingSourceError(Exception):
    """The function was deployed without the serving code that a release must carry."""


class BundleError(Exception):
    """The bytes are not a bundle."""


def serving_tree(root: Path) -> dict[str, bytes]:
    """Every file of the serving folder by its path below it."""
    files = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not _left_out(path.relative_to(root))
    }
    missing = [name for name in _NEEDED if name not in files]
    if missing:
        raise ServingSourceError(
            say("refused.no_serving", folder=root, missing=say("refused.and_no").join(missing))
        )
    return files


def tree_digest(files: Mapping[str, bytes]) -> str:
    """One sha256 over all paths and contents."""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return whole.hexdigest()


def pack(record: bytes, golden: bytes, tree: Mapping[str, bytes]) -> bytes:
    members = {**tree, RECORD: record, GOLDEN: golden}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, wherever it is packed
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, members[name])
    return content.getvalue()


def member(bundle: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            return archive.read(name)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError) as error:
        raise BundleError(f"bundle.zip has no readable {name}: {error}") from error


def tree_of(bundle: bytes) -> dict[str, bytes]:
    """The serving code in a bundle: all of it but the two records."""
    try:
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            names = [name for name in archive.namelist() if name not in (RECORD, GOLDEN)]
            return {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise BundleError(f"bundle.zip cannot be read: {error}") from error


def _left_out(path: Path) -> bool:
    return path.suffix == ".pyc" or any(part in _LEFT_OUT for part in path.parts)
