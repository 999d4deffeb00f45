from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.support.no_account import no_account
from tests.support.trained_releases import BUCKET, Bundle, opened

__all__ = ["no_account"]


@pytest.fixture
def s3() -> Iterator[Any]:
    """S3 with the data bucket, versioned as the platform's."""
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def bundle(s3: Any, tmp_path: Path) -> Bundle:
    """An opened release of a regression, in a folder as CodeBuild unpacks it."""
    return opened(tmp_path / "bundle", s3)
