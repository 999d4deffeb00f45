"""Store what gather.py wrote as the model's data: only what changed, and all of it or nothing.

The parts of every file are sent first, which changes nothing; then all uploads are completed. An
error before that leaves the data as it was.
"""

import json
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract import data_files
from contract.step import MESSAGE_BYTES, StepError

THREADS = 8
# S3 takes no more parts of one object.
MOST_PARTS = 10_000


@dataclass(frozen=True)
class File:
    """A file that may be stored, with the MD5 of each of its parts."""

    path: Path
    name: str
    size: int
    parts: Sequence[bytes]

    @property
    def etags(self) -> set[str]:
        """Those of an object with these bytes, however it was uploaded."""
        whole = {self.parts[0].hex()} if len(self.parts) == 1 else set()
        return {data_files.etag_of_parts(list(self.parts)), *whole}


@dataclass(frozen=True)
class Stored:
    """The names of the files that were stored, and of those that were there already."""

    written: Sequence[str]
    unchanged: Sequence[str]
    bytes: int

    def message(self, program: str) -> str:
        """The job's last words, which the run keeps: as many names as there is room for.

        `program` is the digest of what wrote the files.
        """
        document: dict[str, Any] = {
            "program": program,
            "files": len(self.written) + len(self.unchanged),
            "bytes": self.bytes,
            "written": len(self.written),
            "names": [],
        }
        for name in self.written:
            longer = {**document, "names": [*document["names"], name]}
            if len(json.dumps(longer, ensure_ascii=False).encode()) > MESSAGE_BYTES:
                break
            document = longer
        return json.dumps(document, ensure_ascii=False)


def files_in(folder: Path) -> list[File]:
    """What gather.py wrote, all checked. Raises StepError for what cannot be data."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file():
            raise StepError(
                f"gather.py made {path.name!r}, which is no file; write files into the folder "
                "itself, and remove all others"
            )
        problem = data_files.name_problem(path.name)
        if problem is not None:
            raise StepError(f"gather.py wrote {path.name!r}: {problem[0]}; rename it, or remove it")
        size = path.stat().st_size
        if size == 0:
            raise StepError(f"gather.py wrote {path.name!r}, which is empty; write rows into it")
        if size > MOST_PARTS * data_files.PART:
            raise StepError(
                f"gather.py wrote {path.name!r}, which is too large; write several files"
            )
        found.append(File(path, path.name, size, data_files.md5s_of(path)))
    if not found:
        raise StepError(
            "gather.py wrote nothing; let it write data files into the folder that it is given"
        )
    return found


def store(s3: Any, bucket: str, prefix: str, files: Sequence[File]) -> Stored:
    """Store the files that differ from what is below the prefix; others there stay."""
    there = _etags(s3, bucket, prefix)
    changed = [file for file in files if there.get(file.name) not in file.etags]
    uploads, pool = Uploads(s3, bucket, prefix), ThreadPoolExecutor(THREADS)
    try:
        for sent in [pool.submit(uploads.send, file) for file in changed]:
            sent.result()
        with undisturbed():
            uploads.complete()
    finally:
        # Also where the platform asks to end: no other part is sent then.
        uploads.given_up.set()
        pool.shutdown(cancel_futures=True)
        uploads.abandon()
    written = [file.name for file in changed]
    unchanged = [file.name for file in files if file.name not in set(written)]
    return Stored(written, unchanged, sum(file.size for file in files))


def _etags(s3: Any, bucket: str, prefix: str) -> Mapping[str, str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {
        each["Key"].removeprefix(prefix): each["ETag"].strip('"')
        for page in pages
        for each in page.get("Contents", [])
    }


class Uploads:
    """Uploads that are sent and not yet completed."""

    def __init__(self, s3: Any, bucket: str, prefix: str) -> None:
        self._s3, self._bucket, self._prefix = s3, bucket, prefix
        self.given_up = threading.Event()
        # By key: the upload's id, and its parts once all are sent.
        self._begun: dict[str, str] = {}
        self._sent: dict[str, list[dict[str, Any]]] = {}

    def send(self, file: File) -> None:
        """Send the file's parts."""
        key = f"{self._prefix}{file.name}"
        place = {"Bucket": self._bucket, "Key": key}
        upload = self._begun[key] = self._s3.create_multipart_upload(**place)["UploadId"]
        parts = []
        with file.path.open("rb") as source:
            for number in range(1, len(file.parts) + 1):
                if self.given_up.is_set():
                    return
                sent = self._s3.upload_part(
                    **place,
                    UploadId=upload,
                    PartNumber=number,
                    Body=source.read(data_files.PART),
                )
                parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        self._sent[key] = parts

    def complete(self) -> None:
        """Make objects of all uploads."""
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._complete, list(self._sent)))

    def _complete(self, key: str) -> None:
        self._s3.complete_multipart_upload(
            Bucket=self._bucket,
            Key=key,
            UploadId=self._begun[key],
            MultipartUpload={"Parts": self._sent[key]},
        )
        del self._begun[key]

    def abandon(self) -> None:
        """Give up those that are not completed; what fails here, the bucket does after a week."""
        from botocore.exceptions import BotoCoreError, ClientError

        for key, upload in self._begun.items():
            with suppress(BotoCoreError, ClientError):
                self._s3.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Finish what takes a moment: the platform kills only some time after it asked to end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
