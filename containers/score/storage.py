"""Where a batch's results are kept: every object has one name, so writing again changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from contract.step import MachineError, StepError

if TYPE_CHECKING:
    from botocore.client import BaseClient

Found = TypeVar("Found")


class Results:
    """The objects under a batch's prefix."""

    def __init__(self, bucket: str, prefix: str, client: BaseClient) -> None:
        self.bucket = bucket
        self.prefix = prefix
        self.client: Any = client

    def write(self, name: str, content: bytes) -> dict[str, Any]:
        """Write an object; return its key, size and digest."""
        key = f"{self.prefix}/{name}"
        self._asked(
            "written",
            key,
            lambda: self.client.put_object(Bucket=self.bucket, Key=key, Body=content),
        )
        return {"key": key, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    def write_json(self, name: str, document: Any) -> None:
        """Write strict JSON."""
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        self.write(name, text.encode())

    def read_json(self, name: str) -> Any:
        """Read an object of the batch."""
        key = f"{self.prefix}/{name}"
        content = self._asked(
            "read",
            key,
            lambda: self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read(),
        )
        try:
            return json.loads(content)
        except ValueError:
            raise StepError(
                f"s3://{self.bucket}/{key} is not JSON; remove it and resume the batch"
            ) from None

    def names(self, folder: str) -> set[str]:
        """The names of the objects in a folder."""
        prefix = f"{self.prefix}/{folder}/"

        def listed() -> set[str]:
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=prefix
            )
            return {
                entry["Key"].removeprefix(prefix)
                for page in pages
                for entry in page.get("Contents", ())
            }

        return self._asked("listed", prefix, listed)

    def _asked(self, verb: str, key: str, ask: Callable[[], Found]) -> Found:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return ask()
        except (ClientError, BotoCoreError) as error:
            raise MachineError(
                f"s3://{self.bucket}/{key} cannot be {verb} ({error}); check the permissions of "
                "the job's role, then resume the batch"
            ) from None
