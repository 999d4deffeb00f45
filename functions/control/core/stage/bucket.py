"""The data bucket: the only place that knows which object is where."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.canonical import canonical_json
from core.words.catalogue import say

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


# What S3 answers for a version that is not there, or never was: the last, for a malformed id.
_GONE = ("NoSuchKey", "NoSuchVersion", "404", "InvalidArgument")


class ObjectMissingError(Exception):
    """An object that an earlier step should have written is not there."""


class ReleaseChangedError(Exception):
    """An object of a release, which never changes, is not what it was when it was written."""


@dataclass(frozen=True, order=True)
class DataObject:
    """One version of one object. `size` is in bytes, `checksum` the ETag without its quotes."""

    key: str
    version_id: str
    size: int
    checksum: str


class Store:
    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def key_of(self, uri: str) -> str:
        """The key of a URI in this bucket."""
        return uri.removeprefix(f"s3://{self.bucket}/")

    # ---- where things are

    @staticmethod
    def run_key(model: str, run: str, name: str = "") -> str:
        return f"runs/{model}/{run}/{name}" if name else f"runs/{model}/{run}"

    @staticmethod
    def attempts_key(model: str, run: str) -> str:
        """Below it, each call of a step's function has a folder of its own."""
        return f"attempts/{model}/{run}"

    @staticmethod
    def snapshot_key(model: str, snapshot: str) -> str:
        return f"snapshots/{model}/{snapshot}.json"

    @staticmethod
    def base_key(model: str, file: str) -> str:
        return f"bases/{model}/{file}"

    @staticmethod
    def gathered_key(model: str, run: str) -> str:
        return f"gathered/{model}/{run}"

    @staticmethod
    def definition_key(model: str, sha256: str, name: str = "") -> str:
        return f"definitions/{model}/{sha256}/{name}"

    @staticmethod
    def release_key(model: str, release: int, name: str) -> str:
        return f"releases/{model}/{release}/{name}"

    @staticmethod
    def monitoring_key(model: str, monitoring: str, name: str = "") -> str:
        return f"monitoring/{model}/{monitoring}/{name}".rstrip("/")

    @staticmethod
    def batch_key(model: str, batch: str, name: str) -> str:
        return f"batches/{model}/{batch}/{name}"

    @staticmethod
    def plan_key(at: str) -> str:
        # By days, as Athena reads a folder's name, and in the order of the ticks.
        return f"plans/dt={at[:10]}/{at}.json"

    @staticmethod
    def image_key(digest: str) -> str:
        return f"images/{digest.removeprefix('sha256:')}.json"

    @staticmethod
    def metrics_key(model: str, run: str) -> str:
        # Athena reads the folder's name as a column.
        return f"metrics/model={model}/{run}.json"

    @staticmethod
    def watch_metrics_key(model: str, monitoring: str) -> str:
        # Not below metrics/, whose table would read it too.
        return f"watch-metrics/model={model}/{monitoring}.json"

    # ---- reading and writing

    def models(self) -> list[str]:
        """The models whose definition was ever published."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix="definitions/", Delimiter="/"
        )
        found = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]
        return [prefix.split("/")[1] for prefix in found]

    def current_objects(self, prefix: str) -> Iterator[DataObject]:
        """The newest version of every object below the prefix that has not been deleted."""
        return (found for found, _ in self.current_objects_and_times(prefix))

    def current_objects_and_times(self, prefix: str) -> Iterator[tuple[DataObject, datetime]]:
        """The same, each with the time when it was written."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=prefix
        )
        for page in pages:
            for version in page.get("Versions", []):
                if version["IsLatest"]:
                    found = DataObject(
                        key=version["Key"],
                        version_id=version["VersionId"],
                        size=version["Size"],
                        checksum=version["ETag"].strip('"'),
                    )
                    yield found, version["LastModified"]

    def some_objects(self, prefix: str, most: int) -> Iterator[tuple[str, datetime]]:
        """Keys below the prefix and when each was written; not more than so many."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, PaginationConfig={"MaxItems": most}
        )
        for page in pages:
            yield from ((each["Key"], each["LastModified"]) for each in page.get("Contents", []))

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key below the prefix."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix
        )
        return (each["Key"] for page in pages for each in page.get("Contents", []))

    def copy(self, source: str, target: str) -> None:
        """Copy an object of at most 5 GB inside the bucket."""
        self._client.copy_object(
            Bucket=self.bucket, Key=target, CopySource={"Bucket": self.bucket, "Key": source}
        )

    def read(self, key: str) -> bytes:
        try:
            return self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except self._client.exceptions.NoSuchKey as error:
            raise ObjectMissingError(say("refused.gone", where=self.uri(key))) from error

    def read_json(self, key: str) -> Any:
        """The document; not-a-number comes out as it was written, for the gate to refuse."""
        content = self.read(key)
        try:
            return json.loads(content)
        except ValueError as error:
            raise ObjectMissingError(
                say("refused.not_json", where=self.uri(key), error=error)
            ) from error

    def read_json_if_there(self, key: str) -> Any | None:
        try:
            return self.read_json(key)
        except ObjectMissingError:
            return None

    def content_of_image(self, digest: str) -> str | None:
        """The digest of what an image was built from, as it was described when it was pushed."""
        described = self.read_json_if_there(self.image_key(digest))
        return str(described["content"]) if described else None

    def version_of(self, key: str) -> str | None:
        """The version id of the object as it is now; None in a bucket without versions."""
        try:
            return self._client.head_object(Bucket=self.bucket, Key=key).get("VersionId")
        except self._client.exceptions.ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                raise ObjectMissingError(say("refused.gone", where=self.uri(key))) from error
            raise

    def has_version(self, key: str, version: str) -> bool:
        """Is this version of the object still there?"""
        try:
            self._client.head_object(Bucket=self.bucket, Key=key, VersionId=version)
        except self._client.exceptions.ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in (400, 404):
                return False
            raise
        return True

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects; their versions stay until they expire."""
        for key in keys:
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def read_current(self, key: str) -> tuple[bytes, str]:
        """The object's bytes and the id of the version they are of."""
        try:
            found = self._client.get_object(Bucket=self.bucket, Key=key)
        except self._client.exceptions.NoSuchKey as error:
            raise ObjectMissingError(say("refused.gone", where=self.uri(key))) from error
        return found["Body"].read(), found.get("VersionId", "")

    def read_version(self, key: str, version: str) -> bytes:
        try:
            found = self._client.get_object(Bucket=self.bucket, Key=key, VersionId=version)
        except self._client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise ObjectMissingError(
                    say("refused.version_gone", where=self.uri(key), version=version)
                ) from error
            raise
        return found["Body"].read()

    def sha256_of_version(self, key: str, version: str) -> str | None:
        """The digest of a version's bytes, however many they are; None if it is gone."""
        try:
            found = self._client.get_object(Bucket=self.bucket, Key=key, VersionId=version)
        except self._client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        whole = hashlib.sha256()
        for part in found["Body"].iter_chunks(1024 * 1024):
            whole.update(part)
        return whole.hexdigest()

    def write_once(self, key: str, body: bytes, kind: str) -> str:
        """Write what must never be overwritten; returns its version id.

        Writing the same bytes again changes nothing; other bytes raise ReleaseChangedError.
        """
        try:
            written = self._client.put_object(
                Bucket=self.bucket, Key=key, Body=body, ContentType=kind, IfNoneMatch="*"
            )
        except self._client.exceptions.ClientError as error:
            # 409: another call is writing it at this moment. The state machine retries.
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
            there, version = self.read_current(key)
            if there != body:
                raise ReleaseChangedError(
                    say("refused.other_content", where=self.uri(key))
                ) from error
            return version
        return written.get("VersionId", "")

    def write_line(self, key: str, document: object) -> None:
        """One JSON document on one line, as Athena reads it."""
        self._write(key, canonical_json(document) + "\n", "application/json")

    def write_json(self, key: str, document: object) -> None:
        body = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        self._write(key, body, "application/json")

    def write_page(self, key: str, html: str) -> None:
        self._write(key, html, "text/html; charset=utf-8")

    def _write(self, key: str, body: str, kind: str) -> None:
        self._client.put_object(Bucket=self.bucket, Key=key, Body=body.encode(), ContentType=kind)
