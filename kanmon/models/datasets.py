"""A model's data files: check them, compare them with the stage's, upload what differs."""

import shutil
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.data_files import ENDINGS, HIDDEN, PART, endings, etag_of, name_problem
from core.words.formats import size
from kanmon.errors import BadInputError
from kanmon.stage.connection import objects_under
from kanmon.stage.local import LEAST_FREE_BYTES

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

SHOW_PROGRESS_FROM = 100_000_000


@dataclass(frozen=True)
class DataFile:
    """A local file that may be uploaded."""

    path: Path
    name: str
    bytes: int


@dataclass(frozen=True)
class Upload:
    """What happened to a file: uploaded, replaced or unchanged."""

    name: str
    bytes: int
    what: str


@dataclass(frozen=True)
class Stored:
    """A data file on the stage. `what` is current, older, or removed (a deletion, of no size)."""

    name: str
    bytes: int
    stored_at: str
    what: str = "current"
    version: str | None = None

    def document(self) -> dict[str, Any]:
        """The file for `--json`; the version only where versions were asked for."""
        return {name: value for name, value in vars(self).items() if value is not None}


def data_files(paths: Iterable[Path], folder: Path | None) -> tuple[list[DataFile], list[str]]:
    """The files to upload, all checked; and the names of a folder's other files."""
    if folder is None:
        return _no_name_twice([_checked(path) for path in paths]), []
    if not folder.is_dir():
        raise BadInputError(f"{folder} is not a folder", "Name files, or a folder with --from.")
    inside = sorted(path for path in folder.iterdir() if path.is_file())
    chosen = [
        path
        for path in inside
        if path.name.lower().endswith(ENDINGS) and not path.name.startswith(HIDDEN)
    ]
    if not chosen:
        raise BadInputError(f"there is no data file in {folder}", f"Data files end in {endings()}.")
    return [_checked(path) for path in chosen], [p.name for p in inside if p not in chosen]


def check_is_file(path: Path, instead_of_folder: str) -> None:
    """Raise BadInputError for what is no regular file: to read a pipe or a device may never end."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadInputError(f"there is no file {path}", "Check the path.") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadInputError(f"{str(path)[:80]} cannot be read: {reason}", "Check it.") from error
    if stat.S_ISDIR(mode):
        raise BadInputError(f"{path} is a folder", instead_of_folder)
    if not stat.S_ISREG(mode):
        raise BadInputError(
            f"{path} is not a regular file", "Copy what it gives into a file, and name that."
        )


def _checked(path: Path) -> DataFile:
    check_is_file(path, f"Upload its files with --from {path}.")
    name = checked_name(path.name)
    try:
        with path.open("rb") as file:
            first = file.read(1)
    except OSError as error:
        raise BadInputError(
            f"{path} cannot be read: {(error.strerror or str(error)).lower()}",
            "Change its permissions.",
        ) from error
    if not first:
        raise BadInputError(f"{path} is empty", "Name a file with a header and rows.")
    return DataFile(path, name, path.stat().st_size)


def checked_name(name: str) -> str:
    """The name under which a file is stored. Spaces, quotes and any letters are allowed.

    >>> checked_name("Größen 'März'.csv")
    "Größen 'März'.csv"
    """
    problem = name_problem(name)
    if problem is not None:
        raise BadInputError(*problem)
    return name


def _no_name_twice(files: list[DataFile]) -> list[DataFile]:
    seen: dict[str, Path] = {}
    for file in files:
        if file.name in seen and seen[file.name] != file.path:
            raise BadInputError(
                f"{seen[file.name]} and {file.path} have the same name",
                "Data files are stored by name: rename one.",
            )
        seen[file.name] = file.path
    return [DataFile(path, name, path.stat().st_size) for name, path in seen.items()]


def require_room(files: list[DataFile], home: Path) -> None:
    """Refuse files that the local disk cannot hold: the stage would keep them in memory only."""
    needed = sum(file.bytes for file in files) + LEAST_FREE_BYTES
    free = shutil.disk_usage(home).free
    if free < needed:
        raise BadInputError(
            f"the disk of {home} has {size(free)} free, and the upload needs {size(needed)}",
            "Free some space, or set KANMON_HOME to a folder on another disk.",
        )


def stored_files(connection: "Connection", prefix: str) -> list[Stored]:
    """The current data files under a prefix, by name."""
    return [
        Stored(one["Key"].removeprefix(prefix), one["Size"], one["LastModified"].isoformat())
        for one in objects_under(connection, prefix)
        if one["Key"] != prefix
    ]


def stored_versions(connection: "Connection", prefix: str) -> list[Stored]:
    """Every version of every data file and every removal, by name, newest first."""
    pages = connection.s3.get_paginator("list_object_versions").paginate(
        Bucket=connection.bucket, Prefix=prefix
    )
    found = []
    for page in pages:
        for one in page.get("Versions", []):
            what = "current" if one["IsLatest"] else "older"
            found.append(_stored(prefix, dict(one), one["Size"], what))
        found += [_stored(prefix, dict(one), 0, "removed") for one in page.get("DeleteMarkers", [])]
    newest_first = sorted(found, key=lambda one: (one.stored_at, one.what == "current"))[::-1]
    return sorted(newest_first, key=lambda one: one.name)


def _stored(prefix: str, one: dict[str, Any], length: int, what: str) -> Stored:
    at = one["LastModified"].isoformat()
    return Stored(one["Key"].removeprefix(prefix), length, at, what, one["VersionId"])


def put(
    connection: "Connection",
    prefix: str,
    files: list[DataFile],
    done: Callable[[Upload], None],
    moving: Callable[[DataFile, int], None],
) -> list[str]:
    """Upload the files that differ; the names of the other files under the prefix.

    `done` is called for every file, `moving` with the bytes sent so far of a large file.
    """
    there = {one["Key"].removeprefix(prefix): one for one in objects_under(connection, prefix)}
    for file in files:
        held = there.get(file.name)
        if held and held["Size"] == file.bytes and held["ETag"].strip('"') == etag_of(file.path):
            done(Upload(file.name, file.bytes, "unchanged"))
            continue
        _send(connection, prefix, file, moving)
        done(Upload(file.name, file.bytes, "replaced" if held else "uploaded"))
    given = {file.name for file in files}
    return sorted(name for name in there if name not in given and name)


def _send(
    connection: "Connection",
    prefix: str,
    file: DataFile,
    moving: Callable[[DataFile, int], None],
) -> None:
    key = prefix + file.name
    if file.bytes < PART:
        connection.s3.put_object(Bucket=connection.bucket, Key=key, Body=file.path.read_bytes())
        return
    from boto3.s3.transfer import S3Transfer, TransferConfig

    sent = 0

    def progress(count: int) -> None:
        nonlocal sent
        sent += count
        moving(file, sent)

    parts = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)
    transfer = S3Transfer(connection.s3, parts)  # type: ignore[arg-type]  # the stubs' mistake
    transfer.upload_file(
        str(file.path),
        connection.bucket,
        key,
        callback=progress if file.bytes >= SHOW_PROGRESS_FROM else None,
    )


def remove(connection: "Connection", prefix: str, names: list[str]) -> None:
    """Remove files from the model's data. Their versions are kept, for the runs that used them."""
    for start in range(0, len(names), 1000):
        batch = names[start : start + 1000]
        answer = connection.s3.delete_objects(
            Bucket=connection.bucket,
            Delete={"Objects": [{"Key": prefix + name} for name in batch], "Quiet": True},
        )
        for problem in answer.get("Errors", []):
            raise BadInputError(f"{problem.get('Key')} was not removed: {problem.get('Message')}")
