"""The snapshot's objects: which of them this host takes, and exactly those versions, on disk.

A job's own S3 input cannot name versions, so the step downloads for itself. It uses botocore, which
boto3 is made of and which starts faster.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.step import StepError

if TYPE_CHECKING:
    from botocore.client import BaseClient

# Files on their way while one is being read: small ones take longer to ask for than to fetch.
AHEAD = 4
BLOCK = 1 << 20
ATTEMPTS = 3
_GONE = ("NoSuchKey", "NoSuchVersion", "404")


@dataclass(frozen=True)
class DataObject:
    """One object of the snapshot: the data as it was when the run was opened."""

    bucket: str
    key: str
    version: str
    size: int

    @property
    def uri(self) -> str:
        """How messages name it."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class SourceFile:
    """An object on this disk; `name` is what messages call it."""

    path: Path
    name: str


def read_snapshot(folder: Path) -> list[DataObject]:
    """The objects of the one snapshot file in a folder; markers of empty folders are left out."""
    files = sorted(folder.glob("*.json"))
    if len(files) != 1:
        raise StepError(f"{folder}: there are {len(files)} snapshots, not one; start the run anew")
    try:
        document = json.loads(files[0].read_text(encoding="utf-8"))
        return [
            DataObject(document["bucket"], entry["key"], entry["version_id"], int(entry["size"]))
            for entry in document["objects"]
            if not entry["key"].endswith("/")
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise StepError(
            f"{files[0]}: is not a snapshot ({type(error).__name__}: {error}); start the run anew"
        ) from None


def share_of(objects: Sequence[DataObject], host: tuple[int, int]) -> list[DataObject]:
    """The objects of one of several hosts: every n-th."""
    index, hosts = host
    return list(objects[index::hosts])


def common_folder(objects: Sequence[DataObject]) -> str:
    """The folder all objects lie in, which messages leave out."""
    keys = [entry.key for entry in objects]
    first, last = min(keys, default=""), max(keys, default="")
    same = [a == b for a, b in zip(first, last, strict=False)]
    shared = first[: same.index(False) if False in same else len(same)]
    return shared[: shared.rfind("/") + 1]


def downloaded(
    objects: Sequence[DataObject], folder: Path, client: BaseClient
) -> Iterator[SourceFile]:
    """Yield the objects one after the other as files, and delete each when the next is asked for.

    Files are numbered on disk: an object's key may hold anything, such as "..".
    """
    folder.mkdir(parents=True, exist_ok=True)
    prefix = common_folder(objects)
    waiting: deque[tuple[DataObject, Path, Future[None]]] = deque()
    with ThreadPoolExecutor(AHEAD) as pool:
        try:
            for number, entry in enumerate(objects):
                path = folder / f"{number:06d}"
                waiting.append((entry, path, pool.submit(fetch, entry, path, client)))
                if len(waiting) > AHEAD:
                    yield from _next(waiting, prefix)
            while waiting:
                yield from _next(waiting, prefix)
        finally:
            for _, _, ready in waiting:
                ready.cancel()


def _next(
    waiting: deque[tuple[DataObject, Path, Future[None]]], prefix: str
) -> Iterator[SourceFile]:
    entry, path, ready = waiting.popleft()
    ready.result()
    yield SourceFile(path, entry.key[len(prefix) :])
    path.unlink(missing_ok=True)


def fetch(entry: DataObject, path: Path, client: BaseClient) -> None:
    """Write exactly this version of an object to a file."""
    from botocore.exceptions import BotoCoreError, ClientError

    for attempt in range(1, ATTEMPTS + 1):
        try:
            _stream(entry, path, client)
            break
        except ClientError as error:
            raise _refused(entry, dict(error.response["Error"])) from None
        except (BotoCoreError, OSError) as error:
            # botocore repeats requests, but not the reading of a body that breaks off.
            if attempt == ATTEMPTS or isinstance(error, PermissionError):
                raise
    if path.stat().st_size != entry.size:
        raise StepError(
            f"{entry.uri} has {path.stat().st_size} bytes, its snapshot says {entry.size}; "
            "start the run anew"
        )


def s3_client() -> BaseClient:
    """The client for where the environment points; SageMaker gives the region as AWS_REGION."""
    from botocore.session import get_session

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return get_session().create_client("s3", region_name=region)


def _stream(entry: DataObject, path: Path, client: BaseClient) -> None:
    request: dict[str, Any] = {"Bucket": entry.bucket, "Key": entry.key}
    # A bucket without versions says "null"; such an object can only be taken as it is.
    if entry.version and entry.version != "null":
        request["VersionId"] = entry.version
    get_object = client.get_object  # type: ignore[attr-defined]
    body = get_object(**request)["Body"]
    with path.open("wb") as file:
        while block := body.read(BLOCK):
            file.write(block)


def _refused(entry: DataObject, error: dict[str, Any]) -> StepError:
    code = str(error.get("Code"))
    if code in _GONE:
        return StepError(
            f"{entry.uri} version {entry.version} is gone ({code}): it was deleted after the "
            "snapshot was taken; put it back, or start a new run on what is there now"
        )
    return StepError(
        f"{entry.uri} version {entry.version} cannot be read ({code}: {error.get('Message')}); "
        "check the permissions of the job's role"
    )
