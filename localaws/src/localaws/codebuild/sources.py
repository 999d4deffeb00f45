"""Brings a build's source: a zip or a folder in S3, read as the service role."""

import shutil
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path

from localaws.jobs.s3 import S3, Location, S3Error

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
