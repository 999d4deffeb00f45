"""The function that reads the files of a query's result: it alone carries a reader of Parquet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.words.catalogue import say

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

    from core.stage.bucket import DataObject


class UnreadableResultError(Exception):
    """A file that the query wrote cannot be read."""


class RowHasher:
    def __init__(self, client: LambdaClient, function: str, bucket: str) -> None:
        self._client = client
        self._function = function
        self._bucket = bucket

    def answer(self, file: DataObject) -> Mapping[str, Any]:
        """{columns, rows, high, low} of exactly this version of a file."""
        asked = {"bucket": self._bucket, "key": file.key, "version_id": file.version_id}
        answered = self._client.invoke(
            FunctionName=self._function, Payload=json.dumps(asked).encode()
        )
        document: dict[str, Any] = json.loads(answered["Payload"].read())
        if "FunctionError" in answered:
            raise UnreadableResultError(
                say(
                    "refused.unreadable_result",
                    where=f"s3://{self._bucket}/{file.key}",
                    reason=document.get("errorMessage") or document.get("errorType") or "",
                )
            )
        return document
