"""Download the objects that this host reads, in exactly the versions of the snapshot or plan.

A job's own S3 input cannot name versions, so the step downloads the data itself. It uses botocore,
which is part of boto3 and starts faster.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from contract.aws import session
from contract.step import MachineError, StepError

if TYPE_CHECKING:
    from botocore.client import BaseClient

Read = TypeVar("Read")

# Downloads that run while one file is read: small files take longer to request than to fetch.
AHEAD = 4
BLOCK = 1 << 20
ATTEMPTS = 3
GONE = ("NoSuchKey", "NoSuchVersion", "404")


class GoneError(StepError):
    """An object is not there any more, in the version that was asked for."""


@dataclass(frozen=True)
class DataObject:
    """One object, in the version it had when it was listed.

    listed, work: where, and what a user starts again, in messages.
    """

    bucket: str
    key: str
    version: str
    size: int
    listed: str = "snapshot"
    work: str = "run"

    @property
    def uri(self) -> str:
        """Its name in messages."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class SourceFile:
    """An object on this disk; `name` is its name in messages.

    rows: where only these are read, the first (from 0) and the one after the last.
    """

    path: Path
    name: str
    rows: tuple[int, int] | None = None


def read_snapshot(folder: Path) -> list[DataObject]:
    """The objects of the one snapshot file in a folder, without markers of empty folders."""
    files = sorted(folder.glob("*.json"))
    if len(files) != 1:
        raise StepError(
            f"{folder}: there are {len(files)} snapshots instead of one; start a new run"
        )
    try:
        document = json.loads(files[0].read_text(encoding="utf-8"))
        return [
            DataObject(document["bucket"], entry["key"], entry["version_id"], int(entry["size"]))
            for entry in document["objects"]
            if not entry["key"].endswith("/")
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise StepError(
            f"{files[0]}: not a snapshot ({type(error).__name__}: {error}); start a new run"
        ) from None


def common_folder(objects: Sequence[DataObject]) -> str:
    """The folder that contains all objects; messages leave it out."""
    keys = [entry.key for entry in objects]
    first, last = min(keys, default=""), max(keys, default="")
    same = [a == b for a, b in zip(first, last, strict=False)]
    shared = first[: same.index(False) if False in same else len(same)]
    return shared[: shared.rfind("/") + 1]


def downloaded(
    objects: Sequence[DataObject], folder: Path, client: BaseClient
) -> Iterator[SourceFile]:
    """Yield the objects one after the other as files. Delete each file before the next one.

    Files are numbered on disk: an object's key may contain anything, such as "..".
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

    def stream() -> None:
        body = _body(entry, client)
        with path.open("wb") as file:
            while block := body.read(BLOCK):
                file.write(block)

    _attempted(entry, stream)
    if path.stat().st_size != entry.size:
        raise _other_size(entry, path.stat().st_size)


def fetch_range(entry: DataObject, start: int, end: int, client: BaseClient) -> bytes:
    """These bytes of exactly this version of an object."""
    content = _attempted(
        entry, lambda: bytes(_body(entry, client, Range=f"bytes={start}-{end - 1}").read())
    )
    if len(content) != end - start:
        raise _other_size(entry, start + len(content))
    return content


def fetch_into(entry: DataObject, path: Path, start: int, end: int, client: BaseClient) -> None:
    """Write these bytes of an object to the same place of a file."""

    def stream() -> None:
        body = _body(entry, client, Range=f"bytes={start}-{end - 1}")
        with path.open("r+b") as file:
            file.seek(start)
            while block := body.read(BLOCK):
                file.write(block)

    _attempted(entry, stream)


def _attempted(entry: DataObject, read: Callable[[], Read]) -> Read:
    """Read an object, again where the network fails. Raises StepError and MachineError."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    attempt = 1
    while True:
        try:
            return read()
        except ClientError as error:
            raise _refused(entry, dict(error.response["Error"])) from None
        except NoCredentialsError:
            raise MachineError(
                f"{entry.uri} cannot be read: the step has no credentials; check that the job has "
                "a role"
            ) from None
        except BotoCoreError as error:
            # botocore retries requests, but not a body that ends early.
            if attempt == ATTEMPTS:
                raise MachineError(
                    f"{entry.uri} cannot be read: {error}; check that the step reaches S3"
                ) from None
        except OSError as error:
            if attempt == ATTEMPTS or isinstance(error, PermissionError):
                raise
        attempt += 1


def _other_size(entry: DataObject, size: int) -> StepError:
    return StepError(
        f"{entry.uri} has {size} bytes, but {entry.size} in the {entry.listed}; start a new "
        f"{entry.work}"
    )


def s3_client(connections: int = 10) -> BaseClient:
    """A client for the endpoint of the environment. SageMaker sets the region as AWS_REGION."""
    from botocore.config import Config

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    config = Config(max_pool_connections=connections)
    return session().create_client("s3", region_name=region, config=config)


def _body(entry: DataObject, client: BaseClient, **options: str) -> Any:
    request: dict[str, Any] = {"Bucket": entry.bucket, "Key": entry.key, **options}
    # In a bucket without versioning the version is "null": the object is read as it is now.
    if entry.version and entry.version != "null":
        request["VersionId"] = entry.version
    return client.get_object(**request)["Body"]  # type: ignore[attr-defined]


def _refused(entry: DataObject, error: dict[str, Any]) -> StepError:
    code = str(error.get("Code"))
    if code in GONE:
        return GoneError(
            f"{entry.uri} version {entry.version} is gone ({code}): it was deleted after the "
            f"{entry.listed} was made; restore it, or start a new {entry.work} on the data as it "
            "is now"
        )
    # A job's role may read it where a function's may not, and the other way round.
    return MachineError(
        f"{entry.uri} version {entry.version} cannot be read ({code}: {error.get('Message')}); "
        "check the permissions of the job's role"
    )
