"""The files of a build: its source, brought from S3, and its artifacts, put there, as its role.

Artifacts are chosen by patterns: `*` within a name, `**` across folders.
"""

import hashlib
import os
import re
import shutil
import stat
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from localaws.codebuild.buildspec import Output
from localaws.jobs.s3 import S3, Location, S3Error


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression over paths with "/", relative to the base folder."""
    parts, rest = [], pattern.removeprefix("./")
    while rest:
        for sign, expression in (("**/", "(?:.*/)?"), ("**", ".*"), ("*", "[^/]*"), ("?", "[^/]")):
            if rest.startswith(sign):
                parts.append(expression)
                rest = rest[len(sign) :]
                break
        else:
            choice = re.match(r"\[[^\[\]/]+\]", rest)
            parts.append(choice[0].replace("[!", "[^") if choice else re.escape(rest[0]))
            rest = rest[choice.end() if choice else 1 :]
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error:  # such as [b-a]: then these are letters of a name
        return re.compile(re.escape(pattern))


def matches(pattern: str, path: str) -> bool:
    """
    >>> [matches(p, "a/b/c.txt") for p in ("**/*", "a/*", "a/**/*", "**/c.txt", "a/b/c.txt")]
    [True, False, True, True, True]
    """
    return compiled(pattern).fullmatch(path) is not None


def selected(paths: Iterable[str], patterns: Iterable[str], exclude: Iterable[str]) -> list[str]:
    """The paths that one of the patterns names and none excludes, in the paths' order."""
    wanted, unwanted = list(patterns), list(exclude)
    return [
        path
        for path in paths
        if any(matches(pattern, path) for pattern in wanted)
        and not any(matches(pattern, path) for pattern in unwanted)
    ]


INLINE_MARKS = ("\n", "version:", '"version"')
ARN_START = "arn:aws:s3:::"


class SourceError(Exception):
    """A source cannot be brought; the text is the message beside CLIENT_ERROR."""


@dataclass(frozen=True)
class Source:
    """A source in S3: a zip, or a folder where the location ends in "/"."""

    location: str
    version: str | None = None

    @property
    def place(self) -> Location:
        bucket, _, key = self.location.removeprefix(ARN_START).partition("/")
        return Location(bucket, key)


def bring(s3: S3, source: Source | None, folder: Path) -> None:
    """Bring the source into its folder, which is there even when nothing is brought into it."""
    folder.mkdir(parents=True)
    if source is None:
        return
    try:
        fetch(s3, source, folder)
    except S3Error as error:
        version = source.version or ARN_START + source.location
        raise SourceError(f"{error} for primary source and source version {version}") from error


def fetch(s3: S3, source: Source, folder: Path) -> None:
    place = source.place
    if source.location.endswith("/"):
        for key in s3.keys(place):
            target = (folder / key.removeprefix(place.key)).resolve()
            if target.is_relative_to(folder.resolve()):
                s3.download(Location(place.bucket, key), target)
        return
    packed = folder.with_suffix(".zip")
    s3.download(place, packed, source.version)
    try:
        unpack(packed, folder)
    except zipfile.BadZipFile as error:
        raise SourceError(f"{place} is not a zip: {error}") from error
    finally:
        packed.unlink()


def unpack(packed: Path, folder: Path) -> None:
    """Unpack a zip; what was executable stays so. Names that lead outside are taken inside."""
    with zipfile.ZipFile(packed) as archive:
        for entry in archive.infolist():
            mode = entry.external_attr >> 16
            target = archive.extract(entry, folder)
            if mode & stat.S_IXUSR and not entry.is_dir():
                Path(target).chmod(0o755)


def is_inline(buildspec: str) -> bool:
    """Whether this is a buildspec itself and not where one is.

    >>> is_inline("config/buildspec.yml"), is_inline("version: 0.2\\nphases: {}")
    (False, True)
    """
    return any(mark in buildspec for mark in INLINE_MARKS)


def remove(folder: Path) -> None:
    """Remove a build's folder, write-protected parts of it as well."""

    def open_up(_: object, path: str, __: object) -> None:
        place = Path(path)
        for blocked in (place.parent, place):
            if blocked.is_dir() and not blocked.is_symlink():
                blocked.chmod(0o700)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)

    # Python 3.12 names the argument anew; the old name works until 3.14.
    shutil.rmtree(folder, onerror=open_up)


# The same files give the same zip, byte for byte: no clock in it.
EPOCH = (1980, 1, 1, 0, 0, 0)
REGULAR_FILE = 0o100000


class NothingFoundError(Exception):
    """No file is where the buildspec expects it; worded as CodeBuild words it."""


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
    """Put the files where they go; return what the build shows of it. Raises S3Error."""
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
