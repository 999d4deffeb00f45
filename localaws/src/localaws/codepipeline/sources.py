"""Sources in S3, and the store that all actions read and write artifacts in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from localaws.codepipeline.account import Acting, ActionError, Result, Task
from localaws.codepipeline.executions import KEY, VERSION

SUMMARY_KEY = "codepipeline-artifact-revision-summary"


@dataclass(frozen=True)
class Found:
    """An object of the source bucket."""

    body: bytes
    version: str
    etag: str
    """With its quotes, as S3 answers it."""
    changed: float
    """Seconds since the epoch."""
    metadata: Mapping[str, str]


class StoreError(Exception):
    """S3 refused; `code` is its own, such as NoSuchKey or AccessDenied."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Store(Protocol):
    """S3 as a role sees it; every call may raise StoreError."""

    def versioned(self, acting: Acting, bucket: str) -> bool: ...
    def read(self, acting: Acting, bucket: str, key: str, version: str | None) -> Found: ...
    def write(self, acting: Acting, bucket: str, key: str, body: bytes) -> None: ...


class S3Source:
    """The provider "S3" of source actions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, task: Task) -> Result:
        bucket = task.configuration["S3Bucket"]
        key = task.overrides.get(KEY, task.configuration["S3ObjectKey"])
        try:
            if not self._store.versioned(task.acting, bucket):
                raise ActionError(
                    "ConfigurationError",
                    f"The Amazon S3 bucket {bucket} must have versioning enabled",
                )
            found = self._store.read(task.acting, bucket, key, task.overrides.get(VERSION))
            target = task.outputs[0]
            self._store.write(task.acting, target.bucket, target.key, found.body)
        except StoreError as error:
            raise refused(error, bucket, key) from error
        return Result(
            summary=found.metadata.get(SUMMARY_KEY) or f"Amazon S3 version id: {found.version}",
            external_id=found.version,
            variables={
                "BucketName": bucket,
                "ObjectKey": key,
                "VersionId": found.version,
                "ETag": found.etag.strip('"'),
            },
            revision={
                "revisionId": found.version,
                "revisionChangeIdentifier": found.etag.strip('"'),
                "revisionSummary": found.metadata.get(SUMMARY_KEY)
                or f"Amazon S3 version id: {found.version}",
                "revisionUrl": f"https://console.aws.amazon.com/s3/object/{bucket}?prefix={key}",
                "created": found.changed,
            },
        )


def refused(error: StoreError, bucket: str, key: str) -> ActionError:
    """The failure of an action for an answer of S3 about an object."""
    if error.code in ("AccessDenied", "403"):
        return ActionError(
            "PermissionError",
            "The service role or action role doesn't have the permissions required to access the"
            f" Amazon S3 bucket named {bucket} and the object {key}. Update the IAM role"
            f" permissions, and then try again. Error: Amazon S3:{error.code}:{error}",
        )
    return ActionError(
        "ConfigurationError",
        f"The action failed because the object with the key {key} in the Amazon S3 bucket named"
        f" {bucket} could not be read. Error: Amazon S3:{error.code}:{error}",
    )
