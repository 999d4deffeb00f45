"""Ranges of bytes in a version of an object, as S3 answers them."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]


@pytest.mark.parametrize(
    ("asked", "body", "where"),
    [
        ("bytes=0-2", b"abc", "bytes 0-2/8"),
        ("bytes=3-99", b"defgh", "bytes 3-7/8"),
        ("bytes=-2", b"gh", "bytes 6-7/8"),
    ],
)
def test_a_range_of_an_older_version_is_cut(
    client: Client, asked: str, body: bytes, where: str
) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="ranges")
    s3.put_bucket_versioning(Bucket="ranges", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="ranges", Key="a", Body=b"abcdefgh")["VersionId"]
    s3.put_object(Bucket="ranges", Key="a", Body=b"other")

    found = s3.get_object(Bucket="ranges", Key="a", VersionId=version, Range=asked)

    assert (found["Body"].read(), found["ContentRange"]) == (body, where)
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(Bucket="ranges", Key="a", VersionId=version, Range="bytes=8-9")
