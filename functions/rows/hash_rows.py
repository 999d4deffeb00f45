"""Hash Rows: the sum of the rows of one file that a query wrote. Take Snapshot calls it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import boto3

from file_sum import file_sum

BLOCK = 1 << 20


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Take {bucket, key, version_id}; return {columns, rows, high, low}."""
    named = {"Bucket": event["bucket"], "Key": event["key"], "VersionId": event["version_id"]}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows"
        with file.open("wb") as written:
            for block in boto3.client("s3").get_object(**named)["Body"].iter_chunks(BLOCK):
                written.write(block)
        return file_sum(file)
