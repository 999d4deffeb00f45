"""What a build leaves: chosen by the buildspec, packed, and put into S3 as the service role."""

import hashlib
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.codebuild.buildspec import Output
from localaws.codebuild.patterns import matches, selected
from localaws.jobs.s3 import S3, Location

# The same files give the same zip, byte for byte: no clock in it.
EPOCH = (1980, 1, 1, 0, 0, 0)
REGULAR_FILE = 0o100000


class NothingFoundError(Exception):
    """No file is where the buildspec says; worded as CodeBuild words it."""


@dataclass(frozen=True)
class Destination:
    """Where one set of files goes."""

    bucket: str
    key: str
    """Of the zip, or of the folder that the files go into."""
    zipped: bool

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.bucket}/{self.key}".rstrip("/")


def destination(artifacts: Mapping[str, Any], build_id: str, name: str) -> Destination:
    """Where a project's artifacts of type S3 go, under this name.

    >>> settings = {"location": "out", "path": "p", "namespaceType": "BUILD_ID"}
    >>> destination(settings, "verify:1f0c", "files").key
    'p/1f0c/files'
    """
    parts = [
        artifacts.get("path", "").strip("/"),
        build_id.partition(":")[2] if artifacts.get("namespaceType") == "BUILD_ID" else "",
        name.strip("/"),
    ]
    zipped = artifacts.get("packaging") == "ZIP"
    return Destination(artifacts["location"], "/".join(part for part in parts if part), zipped)


def collect(output: Output, source: Path, base_directory: str) -> dict[str, Path]:
    """The files of an output by their path in it; raises NothingFoundError."""
    found: dict[str, Path] = {}
    for base in bases(source, base_directory):
        for path in selected(files_below(base), output.files, output.exclude):
            found[Path(path).name if output.discard_paths else path] = base / path
    if not found:
        raise NothingFoundError("no matching artifact paths found")
    return found


def bases(source: Path, base_directory: str) -> list[Path]:
    """The base folders: one, or all top-level folders that a pattern names."""
    if any(sign in base_directory for sign in "*?["):
        folders = sorted(entry for entry in source.iterdir() if entry.is_dir())
        bases = [folder for folder in folders if matches(base_directory, folder.name)]
    else:
        bases = [base for base in [source / base_directory] if base.is_dir()]
    if not bases:
        raise NothingFoundError("no matching base directory path found for " + base_directory)
    return bases


def files_below(folder: Path) -> list[str]:
    """The path of every file, relative to the folder, in order; links count as what they show."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        found += [(Path(parent) / name).relative_to(folder).as_posix() for name in sorted(names)]
    return [path for path in found if (folder / path).is_file()]


def pack(files: Mapping[str, Path], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, file in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            executable = file.stat().st_mode & 0o100
            entry.external_attr = (REGULAR_FILE | (0o755 if executable else 0o644)) << 16
            with file.open("rb") as content, archive.open(entry, "w") as inside:
                while piece := content.read(1 << 20):
                    inside.write(piece)


def upload(s3: S3, files: Mapping[str, Path], to: Destination, scratch: Path) -> dict[str, str]:
    """Put the files where they go; return what a build tells of it. Raises S3Error."""
    if not to.zipped:
        prefix = f"{to.key}/" if to.key else ""
        for name, file in files.items():
            s3.upload(file, Location(to.bucket, f"{prefix}{name}"), {})
        return {"location": to.arn}
    packed = scratch / f"artifact-{hashlib.sha256(to.arn.encode()).hexdigest()[:16]}.zip"
    pack(files, packed)
    s3.upload(packed, Location(to.bucket, to.key), {"Content-Type": "application/zip"})
    with packed.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        content.seek(0)
        md5 = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    packed.unlink()
    return {"location": to.arn, "sha256sum": sha256, "md5sum": md5}
