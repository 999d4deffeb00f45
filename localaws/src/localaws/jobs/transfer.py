"""A job's data: which objects go where before it starts, which files go where when it ends."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from localaws.jobs.layout import Host
from localaws.jobs.s3 import S3, Location, S3Error

WORKERS = 4
CONTINUOUS_SECONDS = 0.5

T = TypeVar("T")


class TransferError(Exception):
    """Data could not be downloaded or uploaded; the text is the job's FailureReason."""


@dataclass(frozen=True)
class Download:
    """One object and its place, relative to the input's folder."""

    source: Location
    name: str


def place(key: str, prefix: str) -> str:
    """Where an object found under a prefix lies in the input's folder.

    >>> place("runs/a/run.json", "runs/a/run.json"), place("runs/a/b/c", "runs/a")
    ('run.json', 'b/c')
    >>> place("runs/part-1.parquet", "runs/part-")  # a prefix need not end at a slash
    'part-1.parquet'
    """
    if key == prefix:
        return PurePosixPath(key).name
    folder = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
    if key.startswith(folder):
        return key[len(folder) :]
    return key[prefix.rfind("/") + 1 :]


def listed(s3: S3, source: Mapping[str, Any], role: str, region: str) -> list[Download]:
    """Find the objects of one S3Input: a prefix, or a manifest that names them."""
    location = Location.parse(source["S3Uri"])
    try:
        if source["S3DataType"] == "ManifestFile":
            return from_manifest(s3.read(location), location)
        found = [
            Download(Location(location.bucket, key), place(key, location.key))
            for key in s3.keys(location)
        ]
    except S3Error as error:
        raise TransferError(f"ClientError: Failed to list {location}: {error}") from error
    if not found:
        raise TransferError(
            f'ClientError: No S3 objects found under S3 URL "{source["S3Uri"]}" given in input data'
            f" source. Please ensure that the bucket exists in the selected region ({region}),"
            f' that objects exist under that S3 prefix, and that the role "{role}" has'
            f' "s3:ListBucket" permissions on bucket "{location.bucket}".'
        )
    return found


def from_manifest(content: bytes, location: Location) -> list[Download]:
    """Read a manifest: `[{"prefix": "s3://bucket/folder/"}, "relative/key", ...]`."""
    try:
        head, *names = json.loads(content)
        prefix = Location.parse(head["prefix"])
        return [Download(Location(prefix.bucket, prefix.key + name), name) for name in names]
    except (ValueError, KeyError, TypeError) as error:
        raise TransferError(
            f"ClientError: the manifest {location} is not a JSON list of"
            f' {{"prefix": "s3://..."}} and names of objects: {error}'
        ) from error


def share(
    downloads: Sequence[Download], distribution: str | None, host: int, hosts: int
) -> Sequence[Download]:
    """What one of the hosts gets: everything, or by ShardedByS3Key every n-th object."""
    return downloads[host::hosts] if distribution == "ShardedByS3Key" else downloads


def bring(
    s3: S3, inputs: Sequence[Mapping[str, Any]], hosts: Sequence[Host], role: str, region: str
) -> None:
    """Download every S3Input into every host's folder, or each host's share of it.

    An input's objects are fetched while the next inputs are still being listed.
    """
    with ThreadPoolExecutor(WORKERS, "job-inputs") as pool:
        listings = [pool.submit(listed, s3, source, role, region) for source in inputs]
        fetches = [
            pool.submit(fetch, s3, download, host.here(source["LocalPath"]))
            for source, listing in zip(inputs, listings, strict=True)
            for found in [listing.result()]
            for host in hosts
            for download in share(
                found, source.get("S3DataDistributionType"), host.index, host.count
            )
        ]
        for done in fetches:
            done.result()


def fetch(s3: S3, download: Download, folder: Path) -> None:
    """Download one object into its input's folder."""
    target = folder / download.name
    if not target.resolve().is_relative_to(folder.resolve()):
        raise TransferError(
            f"ClientError: Failed to download {download.source}: its name leads out of the"
            " input's folder. Rename the object."
        )
    try:
        s3.download(download.source, target)
    except S3Error as error:
        raise TransferError(
            f"ClientError: Failed to download {download.source}: {error}"
        ) from error
    except (IsADirectoryError, NotADirectoryError, FileExistsError) as error:
        raise TransferError(
            f"ClientError: Cannot download {download.source}, a previously downloaded"
            " file/folder clashes with it"
        ) from error


class Outputs:
    """Takes the files of a job's output folders to S3; with Continuous already while it runs."""

    def __init__(
        self, s3: S3, outputs: Sequence[tuple[Mapping[str, Any], Path]], key: str | None
    ) -> None:
        """`outputs` pairs each S3Output with its folder on this machine; `key` is a KMS key."""
        self._s3 = s3
        self._outputs = outputs
        self._headers = (
            {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": key,
            }
            if key
            else {}
        )
        self._uploaded: dict[Path, tuple[int, int]] = {}
        self._seen: dict[Path, tuple[int, int]] = {}
        self._done = threading.Event()
        self._watcher: threading.Thread | None = None

    def watch(self) -> None:
        """Begin to upload what the Continuous outputs hold, as it settles."""
        if any(self._is_continuous(output) for output, _ in self._outputs):
            self._watcher = threading.Thread(target=self._watch, name="job-outputs", daemon=True)
            self._watcher.start()

    def stop_watching(self) -> None:
        self._done.set()
        if self._watcher:
            self._watcher.join()

    def finish(self, succeeded: bool) -> None:
        """Upload what is left. EndOfJob outputs of a job that failed are not uploaded."""
        self.stop_watching()
        wanted = [
            (output, folder)
            for output, folder in self._outputs
            if succeeded or self._is_continuous(output)
        ]
        self._upload(
            [
                (file, target)
                for output, folder in wanted
                for file, target in files_of(output, folder)
                if self._uploaded.get(file) != stamp(file)
            ]
        )

    @staticmethod
    def _is_continuous(output: Mapping[str, Any]) -> bool:
        return bool(output["S3UploadMode"] == "Continuous")

    def _watch(self) -> None:
        while not self._done.wait(CONTINUOUS_SECONDS):
            settled = []
            for output, folder in self._outputs:
                if not self._is_continuous(output):
                    continue
                for file, target in files_of(output, folder):
                    now = stamp(file)
                    # Unchanged since the last look: the step is not in the middle of writing it.
                    if now and self._seen.get(file) == now != self._uploaded.get(file):
                        settled.append((file, target))
                    self._seen[file] = now or (0, 0)
            # What cannot be uploaded now is tried again at the end, which then fails the job.
            try:
                self._upload(settled)
            except TransferError:
                return

    def _upload(self, files: Iterable[tuple[Path, Location]]) -> None:
        def one(item: tuple[Path, Location]) -> None:
            file, target = item
            before = stamp(file)
            try:
                self._s3.upload(file, target, self._headers)
            except S3Error as error:
                raise TransferError(
                    f"ClientError: Failed to upload {file.name} to {target}: {error}"
                ) from error
            except FileNotFoundError:
                return  # the step removed it meanwhile
            if before:
                self._uploaded[file] = before

        in_parallel(one, files)


def files_of(output: Mapping[str, Any], folder: Path) -> list[tuple[Path, Location]]:
    """Each file under an output's folder and the object it becomes."""
    target = Location.parse(output["S3Uri"])
    base = f"{target.key.rstrip('/')}/" if target.key else ""
    return [
        (file, Location(target.bucket, base + file.relative_to(folder).as_posix()))
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.is_symlink()
    ]


def stamp(file: Path) -> tuple[int, int] | None:
    """When and how large a file was last written; None where it is gone."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size


def in_parallel(work: Callable[[T], None], items: Iterable[T]) -> None:
    """Do the work for every item, a few at once; the first error ends it."""
    todo = list(items)
    if len(todo) == 1:
        work(todo[0])
        return
    with ThreadPoolExecutor(min(WORKERS, max(len(todo), 1)), "job-data") as pool:
        for _ in pool.map(work, todo):
            pass
