"""The data bucket: the only place that knows which object is where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lifecycle.snapshot import DataObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ObjectMissingError(Exception):
    """An object that an earlier step should have written is not there."""


class Store:
    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    # ---- where things are

    @staticmethod
    def run_key(model: str, run: str, name: str = "") -> str:
        return f"runs/{model}/{run}/{name}" if name else f"runs/{model}/{run}"

    @staticmethod
    def snapshot_key(model: str, snapshot: str) -> str:
        return f"snapshots/{model}/{snapshot}.json"

    @staticmethod
    def definition_key(model: str, sha256: str, name: str = "") -> str:
        return f"definitions/{model}/{sha256}/{name}"

    # ---- reading and writing

    def current_objects(self, prefix: str) -> Iterator[DataObject]:
        """The newest version of every object below the prefix that has not been deleted."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=prefix
        )
        for page in pages:
            for version in page.get("Versions", []):
                if version["IsLatest"]:
                    yield DataObject(
                        key=version["Key"],
                        version_id=version["VersionId"],
                        size=version["Size"],
                        checksum=version["ETag"].strip('"'),
                    )

    def read(self, key: str) -> bytes:
        try:
            return self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except self._client.exceptions.NoSuchKey as error:
            raise ObjectMissingError(f"{self.uri(key)} is not there") from error

    def read_json(self, key: str) -> Any:
        """The document; not-a-number comes out as it was written, for the gate to refuse."""
        content = self.read(key)
        try:
            return json.loads(content)
        except ValueError as error:
            raise ObjectMissingError(f"{self.uri(key)} is not JSON: {error}") from error

    def read_json_if_there(self, key: str) -> Any | None:
        try:
            return self.read_json(key)
        except ObjectMissingError:
            return None

    def version_of(self, key: str) -> str | None:
        """The version id of the object as it is now; None in a bucket without versions."""
        try:
            return self._client.head_object(Bucket=self.bucket, Key=key).get("VersionId")
        except self._client.exceptions.ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                raise ObjectMissingError(f"{self.uri(key)} is not there") from error
            raise

    def write_json(self, key: str, document: object) -> None:
        body = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        self._write(key, body, "application/json")

    def write_page(self, key: str, html: str) -> None:
        self._write(key, html, "text/html; charset=utf-8")

    def _write(self, key: str, body: str, kind: str) -> None:
        self._client.put_object(Bucket=self.bucket, Key=key, Body=body.encode(), ContentType=kind)
