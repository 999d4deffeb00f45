"""A data bucket in which one person is in every kind of object."""

import hashlib
import io
import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import polars as pl
import requests

from kanmon.labels.forgetting import Forgetting, Search
from kanmon.labels.whose import Whose

BUCKET = "kanmon-test-data"
BATCH = "batches/churn/b1"
INPUT = "inputs/churn/b1/people.csv"
NAMED = "labels/churn/20261101T120000Z-0a1b0a1b0a1b-may.csv"
BY_REQUEST = "labels/churn/20261102T120000Z-0a1b0a1b0a1c-requests.csv"
DAY = "capture/churn/7/dt=2026-11-21"


@dataclass
class Bucket:
    """The data bucket, which may fail at the n-th change."""

    s3: Any
    fails_at: int = -1
    changes: int = 0

    def put(self, key: str, content: str | bytes) -> str:
        answer = self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return str(answer["VersionId"])

    def every_content(self) -> dict[tuple[str, str], bytes]:
        """Each version that is there, by key and version."""
        found = self.s3.list_object_versions(Bucket=BUCKET).get("Versions", [])
        return {
            (one["Key"], one["VersionId"]): self.s3.get_object(
                Bucket=BUCKET, Key=one["Key"], VersionId=one["VersionId"]
            )["Body"].read()
            for one in found
        }

    def current(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def names(self) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [one["Key"] for one in found]

    def document(self, name: str) -> Any:
        return json.loads(self.current(f"{BATCH}/{name}"))

    # ---- What forgetting asks of a client

    def get_paginator(self, name: str) -> Any:
        return self.s3.get_paginator(name)

    def get_object(self, **request: Any) -> Any:
        return self.s3.get_object(**request)

    def put_object(self, **request: Any) -> Any:
        self._change()
        return self.s3.put_object(**request)

    def create_multipart_upload(self, **request: Any) -> Any:
        return self.s3.create_multipart_upload(**request)

    def upload_part(self, **request: Any) -> Any:
        return self.s3.upload_part(**request)

    def complete_multipart_upload(self, **request: Any) -> Any:
        self._change()
        return self.s3.complete_multipart_upload(**request)

    def delete_object(self, **request: Any) -> Any:
        self._change()
        return self.s3.delete_object(**request)

    def _change(self) -> None:
        self.changes += 1
        if self.changes == self.fails_at:
            raise ConnectionError("the network is gone")


def filled(client: Any) -> Bucket:
    """A bucket where the person 7 is in every kind of object."""
    requests.post("http://motoapi.amazonaws.com/moto-api/reset", timeout=5)
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    bucket = Bucket(client)
    bucket.put(f"{DAY}/101500-a.jsonl", line("a", 7) + line("b", 8))
    bucket.put(f"{DAY}/101600-c.jsonl", line("c", 7))
    bucket.put(NAMED, "id,died\n7,yes\n8,no\n")
    bucket.put("labels/churn/mine.csv", "id,died\n9,no\n7,yes\n")
    bucket.put(BY_REQUEST, "request_id,row,died\na,0,yes\nb,0,no\nb1/people.csv,2,yes\n")
    version = bucket.put(INPUT, "id,age\n6,61\n7,77\n8,\n")
    scores = parquet({"id": ["6", "7"], "file": ["people.csv"] * 2, "row": [1, 2]})
    rejects = parquet({"file": ["people.csv"] * 2, "row": [2, 3], "value": ["seven", "eight"]})
    bucket.put(f"{BATCH}/scores/00000-0000.parquet", scores)
    bucket.put(f"{BATCH}/rejects/00000-0000.parquet", rejects)
    entry = {"key": INPUT, "version_id": version}
    bucket.put(f"{BATCH}/plan.json", json.dumps({"objects": [{**entry, "size": 25}]}))
    written = {
        kind: [
            {
                "key": f"{BATCH}/{kind}/00000-0000.parquet",
                "rows": 2,
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        ]
        for kind, content in (("scores", scores), ("rejects", rejects))
    }
    counts = {"rows_in": 3, "scored": 2, "rejected": 1}
    bucket.put(f"{BATCH}/done/00000.json", json.dumps({"files": [{**entry, **counts}], **written}))
    bucket.put(f"{BATCH}/manifest.json", json.dumps({"rows": counts, "files": [entry], **written}))
    return bucket


def line(request: str, key: int) -> str:
    document = {
        "at": "2026-11-21T10:15:00Z",
        "request_id": request,
        "release": 7,
        "row": 0,
        "prediction": "yes",
        "key": {"id": key},
        "features": {"age": 70 + key},
    }
    return json.dumps(document) + "\n"


def parquet(columns: dict[str, Any]) -> bytes:
    target = io.BytesIO()
    pl.DataFrame(columns).write_parquet(target)
    return target.getvalue()


def forgetting(bucket: Bucket, *keys: str, states: dict[str, str] | None = None) -> Forgetting:
    connection: Any = SimpleNamespace(s3=bucket, bucket=BUCKET, stack_description=lambda: None)
    whose = Whose(("id",), frozenset((key,) for key in keys or ("7",)))
    return Forgetting(connection, "churn", whose, ",", states)


def search(bucket: Bucket, *keys: str) -> Search:
    return forgetting(bucket, *keys).search(lambda key: None)


def forget(bucket: Bucket) -> None:
    one = forgetting(bucket)
    one.remove(one.search(lambda key: None), lambda key: None)
