"""Bring objects to this disk in exactly the versions of the plan, a folder of them at a time.

Captured requests are many small objects, so many are fetched at once. One that is gone is left
out and counted: `kanmon forget` and the end of its retention may delete it after the plan was made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.step import MachineError
from reading.source import GONE, DataObject, GoneError, SourceFile, fetch

if TYPE_CHECKING:
    from botocore.client import BaseClient

# As many connections as a client keeps.
AT_ONCE = 10
SAMPLES = 5


@dataclass
class Downloads:
    """Fetches objects into a folder of its own. `gone` are those that could not be found,
    `unreadable` the batches one of whose files could not be read."""

    client: BaseClient
    bucket: str
    scratch: Path
    gone: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    _fetched: int = 0

    def of(self, objects: Iterable[DataObject]) -> list[SourceFile]:
        """Fetch these objects, in their order; a file's name is the object's key."""
        wanted = []
        for entry in objects:
            # Numbered, because a key may contain anything, such as "..".
            wanted.append((entry, self.scratch / f"{self._fetched:09d}"))
            self._fetched += 1
        self.scratch.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            there = list(pool.map(lambda each: self._try(*each), wanted))
        return [
            SourceFile(path, entry.key)
            for (entry, path), is_there in zip(wanted, there, strict=True)
            if is_there
        ]

    def by_folder(self, objects: Iterable[DataObject]) -> Iterator[list[SourceFile]]:
        """The files of one folder after the other; they are deleted before the next is fetched."""
        folders: dict[str, list[DataObject]] = {}
        for entry in objects:
            folders.setdefault(entry.key.rpartition("/")[0], []).append(entry)
        for folder in sorted(folders):
            files = self.of(folders[folder])
            yield files
            for file in files:
                file.path.unlink(missing_ok=True)

    def json(self, key: str) -> Any:
        """The content of one object, which is never changed; None if it is gone."""
        from botocore.exceptions import ClientError

        client: Any = self.client
        try:
            return json.loads(client.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise MachineError(
                    f"s3://{self.bucket}/{key} cannot be read ({error}); check the permissions of "
                    "the job's role"
                ) from None
            self.gone.append(key)
            return None

    def document(self) -> dict[str, object]:
        """What report.json says of objects that are gone."""
        return {"objects": len(self.gone), "samples": sorted(self.gone)[:SAMPLES]}

    def _try(self, entry: DataObject, path: Path) -> bool:
        try:
            fetch(entry, path, self.client)
        except GoneError:
            self.gone.append(entry.key)
            return False
        return True
