"""Every version of a model's objects that may hold rows of people, and what kind each is of."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kanmon.labels.downloads import save

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

    from kanmon.stage.connection import Connection

# The order in which rows are removed. Captures are last: only they say which requests are about a
# key, and inputs are after rejects: only they say which rows are. So a second try finds the rest.
KINDS = ("labels", "rejects", "scores", "inputs", "captured")
# What S3 takes in one request; larger objects go in parts of this size.
MOST_AT_ONCE, PART = 5 << 30, 64 << 20


@dataclass(frozen=True)
class Version:
    """One version of an object, or a marker that it was deleted."""

    key: str
    id: str
    latest: bool
    stored_at: datetime
    marker: bool = False

    @property
    def kind(self) -> str | None:
        """Which kind of rows the object has; None for the documents beside them.

        >>> at = datetime(2026, 11, 30)
        >>> Version("batches/churn/b/scores/00000-0000.parquet", "1", True, at).kind
        'scores'
        >>> Version("batches/churn/b/plan.json", "1", True, at).kind
        """
        folder, *parts = self.key.split("/")
        if folder == "batches":
            return parts[2] if len(parts) == 4 and parts[2] in ("scores", "rejects") else None
        if self.key.endswith("/"):
            return None
        return {"labels": "labels", "inputs": "inputs", "capture": "captured"}.get(folder)

    @property
    def batch(self) -> str | None:
        """The batch it belongs to."""
        folder, *parts = self.key.split("/")
        return parts[1] if folder in ("batches", "inputs") and len(parts) > 2 else None


def prefixes(model: str) -> list[str]:
    """Where a model's objects with rows of people are, that people may remove."""
    return [f"{folder}/{model}/" for folder in ("labels", "batches", "inputs", "capture")]


def versions_of(connection: "Connection", model: str) -> Iterator[Version]:
    """All versions and markers, a folder after the other."""
    for prefix in prefixes(model):
        pages = connection.s3.get_paginator("list_object_versions").paginate(
            Bucket=connection.bucket, Prefix=prefix
        )
        for page in pages:
            yield from (_version(dict(one)) for one in page.get("Versions", []))
            markers = page.get("DeleteMarkers", [])
            yield from (_version(dict(one), marker=True) for one in markers)


@contextmanager
def downloaded(connection: "Connection", version: Version) -> Iterator[Path]:
    """The version as a file of a folder of its own, which goes when it is done with."""
    found = connection.s3.get_object(
        Bucket=connection.bucket, Key=version.key, VersionId=version.id
    )
    with tempfile.TemporaryDirectory(prefix="kanmon-") as folder:
        path = Path(folder) / "original"
        save(found["Body"], path)
        yield path


def uploaded(connection: "Connection", key: str, path: Path) -> str:
    """Write the file as the object's newest version; its id."""
    bucket, s3 = connection.bucket, connection.s3
    with path.open("rb") as file:
        if path.stat().st_size <= MOST_AT_ONCE:
            return s3.put_object(Bucket=bucket, Key=key, Body=file)["VersionId"]
        # By hand, because only the last answer says which version it became. Parts without one go
        # by the bucket's rule.
        upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        parts: list[CompletedPartTypeDef] = []
        for number, part in enumerate(iter(partial(file.read, PART), b""), 1):
            sent = s3.upload_part(
                Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=part
            )
            parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        done = s3.complete_multipart_upload(
            Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
        )
        return done["VersionId"]


def _version(one: Mapping[str, object], *, marker: bool = False) -> Version:
    stored_at = one["LastModified"]
    assert isinstance(stored_at, datetime)  # noqa: S101 - narrows the type
    return Version(str(one["Key"]), str(one["VersionId"]), bool(one["IsLatest"]), stored_at, marker)
