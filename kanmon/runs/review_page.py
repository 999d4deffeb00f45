"""The review page of a run: where it is, and a copy of it on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection


def review_key(model: str, run: str) -> str:
    """The key of the review page in the data bucket."""
    return f"runs/{model}/{run}/review.html"


def console_url(connection: "Connection", key: str) -> str | None:
    """The page's address in the AWS console; None on the local stage, which has no console."""
    if connection.endpoint:
        return None
    from core.stage.links import console_address

    return console_address(f"s3://{connection.bucket}/{key}", connection.region)


def download_review(
    connection: "Connection", project: "Project", model: str, run: str, to: Path | None = None
) -> Path | None:
    """Download the review page; None if the run has none."""
    from botocore.exceptions import ClientError

    try:
        found = connection.s3.get_object(Bucket=connection.bucket, Key=review_key(model, run))
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
            return None
        raise
    path = to or project.home / "reviews" / f"{run}.html"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(found["Body"].read())
    return path
