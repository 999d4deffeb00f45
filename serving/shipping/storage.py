"""The data bucket as Verify sees it."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from shipping.record import Place, ReleaseError, sha256

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MISSING = {"404", "NoSuchKey", "NoSuchVersion", "NotFound"}
_THERE_ALREADY = {"PreconditionFailed", "ConditionalRequestConflict", "412"}


class Storage:
    """Reads the objects of a release and writes packages. Every failure is a ReleaseError."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client, self.bucket = client, bucket

    def fetch(self, place: Place, what: str) -> bytes:
        """The content of an object version. Raises ReleaseError if its digest differs."""
        content = self._read(what, place.bucket, place.key, VersionId=place.version)
        if content is None:
            raise ReleaseError(
                f"{what}: s3://{place.bucket}/{place.key} no longer has version {place.version}; "
                "open a new release"
            )
        if sha256(content) != place.sha256:
            raise ReleaseError(
                f"{what}: s3://{place.bucket}/{place.key} has changed since the review (sha256 "
                f"{sha256(content)[:12]}…, not {place.sha256[:12]}…); open a new release"
            )
        return content

    def read(self, key: str, what: str) -> bytes | None:
        """The content of an object of the data bucket; None if there is none."""
        return self._read(what, self.bucket, key)

    def write_once(self, key: str, content: bytes, what: str) -> str:
        """Store the object unless it exists; return the version that is there now.

        Raises ReleaseError if the existing one has other content.
        """
        try:
            answer: Any = self._client.put_object(
                Bucket=self.bucket, Key=key, Body=content, IfNoneMatch="*"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _THERE_ALREADY:
                raise _release_error(what, error) from error
            answer = self._client.get_object(Bucket=self.bucket, Key=key)
            if sha256(answer["Body"].read()) != sha256(content):
                raise ReleaseError(
                    f"{what}: s3://{self.bucket}/{key} exists with other content; if another "
                    "release was packaged at the same time, retry the stage"
                ) from error
        except BotoCoreError as error:
            raise _release_error(what, error) from error
        return str(answer["VersionId"])

    def _read(self, what: str, bucket: str, key: str, **version: str) -> bytes | None:
        try:
            answer = self._client.get_object(Bucket=bucket, Key=key, **version)  # type: ignore[arg-type]
            return answer["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise _release_error(what, error) from error
        except BotoCoreError as error:
            raise _release_error(what, error) from error


def _release_error(what: str, error: Exception) -> ReleaseError:
    return ReleaseError(f"{what}: {error}")
