"""A monitoring's page: where it is, and a copy of it on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection


def page_key(model: str, monitoring: str) -> str:
    """The key of the page in the data bucket."""
    return f"monitoring/{model}/{monitoring}/page.html"


def read_page(connection: "Connection", model: str, monitoring: str) -> bytes | None:
    """The page; None if the monitoring has none."""
    from botocore.exceptions import ClientError

    try:
        found = connection.s3.get_object(Bucket=connection.bucket, Key=page_key(model, monitoring))
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
            return None
        raise
    return found["Body"].read()


def download_page(
    connection: "Connection", project: "Project", model: str, monitoring: str
) -> Path | None:
    """Download the page; None if the monitoring has none."""
    page = read_page(connection, model, monitoring)
    if page is None:
        return None
    path = project.home / "monitorings" / f"{monitoring}.html"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(page)
    return path
