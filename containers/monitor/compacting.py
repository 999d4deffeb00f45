"""Put complete days of captured requests into one file each, and delete what that replaces.

The new file is written first, and the old ones are deleted last, after the report. Stopped between
the two, a day has both: a reader leaves out what the new file holds, and the next
monitoring deletes it.

`kanmon forget` may write a file anew while it is compacted. Rows of a version that is not the
current one any more must not come back, so such files are neither compacted nor deleted.
"""

from __future__ import annotations

import datetime
import re
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.step import MachineError, StepError
from monitor.downloads import AT_ONCE
from observed.compacted import SUFFIX
from observed.compaction import compact
from reading.source import GONE, DataObject, SourceFile

if TYPE_CHECKING:
    from botocore.client import BaseClient

# A day's last requests are written a little later. By then all are there.
LATEST = datetime.timedelta(hours=1)
# Interpreter and libraries; and what a byte of JSON lines takes while it is compacted.
FIXED_MB, PEAK_PER_BYTE = 200, 3
# As JSON lines a compacted file would be about so much larger.
UNPACKED = 13
_DAY = re.compile(r"/dt=([0-9]{4}-[0-9]{2}-[0-9]{2})$")


class Compactor:
    """Compacts the folders of days that are over at `now`."""

    def __init__(
        self,
        client: BaseClient,
        bucket: str,
        scratch: Path,
        now: datetime.datetime,
        memory_mb: int,
        capture: Sequence[DataObject],
    ) -> None:
        self.client: Any = client
        self.bucket = bucket
        self.scratch = scratch
        self.now = now
        self.budget = ((memory_mb - FIXED_MB) << 20) // PEAK_PER_BYTE
        self.days = 0
        self._versions = {entry.key: entry.version for entry in capture}
        self._replaced: list[str] = []

    def over(self, files: Sequence[SourceFile]) -> list[SourceFile]:
        """The files of one folder, or what has the same rows: the new file, and what it leaves."""
        if not files or not self._is_complete(folder_of(files[0])):
            return list(files)
        shutil.rmtree(self.scratch, ignore_errors=True)  # of the folder before
        before = len(self._replaced)
        left = [file for part in self._parts(files) for file in self._compacted(part)]
        self.days += len(self._replaced) > before
        return left

    def _parts(self, files: Sequence[SourceFile]) -> list[Sequence[SourceFile]]:
        """What is compacted together: all, or of a very large day what fits into memory."""
        if sum(map(weight, files)) <= self.budget:
            return [files]
        parts: list[list[SourceFile]] = [[]]
        held = 0
        for file in sorted(files, key=base_name):
            if file.name.endswith(SUFFIX):
                parts.insert(0, [file])  # such a part by itself stays as it is
                continue
            if parts[-1] and held + weight(file) > self.budget:
                parts.append([])
                held = 0
            parts[-1].append(file)
            held += weight(file)
        return [part for part in parts if part]

    def _compacted(self, files: Sequence[SourceFile]) -> list[SourceFile]:
        folder = folder_of(files[0])
        compaction = compact(files)
        if not self._are_current([f"{folder}/{name}" for name in compaction.replaced]):
            return list(files)
        self._replaced += [f"{folder}/{name}" for name in compaction.replaced]
        left = [file for file in files if base_name(file) not in compaction.replaced]
        if compaction.name is None:
            return left
        key = f"{folder}/{compaction.name}"
        self._put(key, compaction.content)
        self.scratch.mkdir(parents=True, exist_ok=True)
        path = self.scratch / compaction.name
        path.write_bytes(compaction.content)
        return [*(file for file in left if file.name != key), SourceFile(path, key)]

    @property
    def replaced(self) -> int:
        """How many files are to be deleted."""
        return len(self._replaced)

    def finish(self) -> None:
        """Delete what was replaced."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._delete, self._replaced))

    def _are_current(self, keys: Sequence[str]) -> bool:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return all(pool.map(self._is_current, keys))

    def _is_current(self, key: str) -> bool:
        """Is the version that was read the current one?"""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found = self.client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            # Of what is gone the role hears only that it may not see it.
            if error.response["Error"]["Code"] in (*GONE, "403"):
                return False
            raise self._refused(key, "read", error) from None
        except BotoCoreError as error:
            raise self._refused(key, "read", error) from None
        # A bucket without versions does not name them.
        return bool(found.get("VersionId", "null") == self._versions[key])

    def _is_complete(self, folder: str) -> bool:
        found = _DAY.search(folder)
        if found is None:
            return False
        day = datetime.datetime.fromisoformat(found[1]).replace(tzinfo=datetime.UTC)
        return self.now >= day + datetime.timedelta(days=1) + LATEST

    def _put(self, key: str, content: bytes) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self.client.put_object(Bucket=self.bucket, Key=key, Body=content)
        except (ClientError, BotoCoreError) as error:
            raise self._refused(key, "written", error) from None

    def _delete(self, key: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        if not self._is_current(key):
            return
        try:
            self.client.delete_object(Bucket=self.bucket, Key=key)
        except (ClientError, BotoCoreError) as error:
            raise self._refused(key, "deleted", error) from None

    def _refused(self, key: str, what: str, error: Exception) -> StepError:
        return MachineError(
            f"s3://{self.bucket}/{key} cannot be {what}: {error}; check the permissions of the "
            "job's role"
        )


def weight(file: SourceFile) -> int:
    """The size of a file, as JSON lines."""
    size = file.path.stat().st_size
    return size * UNPACKED if file.name.endswith(SUFFIX) else size


def folder_of(file: SourceFile) -> str:
    """The folder of a file, as its key in S3 has it."""
    return file.name.rpartition("/")[0]


def base_name(file: SourceFile) -> str:
    """The file's name in its folder."""
    return file.name.rpartition("/")[2]
