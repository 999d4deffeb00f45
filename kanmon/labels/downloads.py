"""Fetching many objects of the data bucket into a folder."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.response import StreamingBody

    from kanmon.stage.connection import Connection
    from reading.source import SourceFile

# Captured requests are many small objects, which take longer to ask for than to fetch.
AT_ONCE = 16
_GONE = ("NoSuchKey", "NoSuchVersion", "404", "InvalidArgument")
# A batch may score a folder of the team's that not everybody in it may read.
_REFUSED = ("AccessDenied", "403")


@dataclass(frozen=True)
class Wanted:
    """An object; without a version, as it is now."""

    key: str
    version: str | None = None


def fetched(
    connection: "Connection", wanted: Iterable[Wanted], folder: Path
) -> tuple[list["SourceFile"], list[Wanted]]:
    """The objects as numbered files of the folder, named by their keys; and those that are gone.

    A version that may not be read counts as gone: it is some batch's input.
    """
    from reading.source import SourceFile

    wanted = list(wanted)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:06d}" for number in range(len(wanted))]
    connection.prepare("s3")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        there = list(pool.map(_fetch, [connection] * len(wanted), wanted, paths))
    files = [
        SourceFile(path, one.key)
        for one, path, found in zip(wanted, paths, there, strict=True)
        if found
    ]
    return files, [one for one, found in zip(wanted, there, strict=True) if not found]


def _fetch(connection: "Connection", one: Wanted, path: Path) -> bool:
    from botocore.exceptions import ClientError

    request: dict[str, Any] = {"Bucket": connection.bucket, "Key": one.key}
    if one.version:
        request["VersionId"] = one.version
    try:
        body = connection.s3.get_object(**request)["Body"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _GONE or (one.version and code in _REFUSED):
            return False
        raise
    save(body, path)
    return True


def save(body: "StreamingBody", path: Path) -> None:
    """Write an object's content to a file, a chunk at a time."""
    with path.open("wb") as file:
        for chunk in body.iter_chunks(1 << 20):
            file.write(chunk)
