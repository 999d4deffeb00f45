from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.support.trained_releases import BUCKET, Bundle, opened


@pytest.fixture(scope="module", autouse=True)
def no_account() -> Iterator[None]:
    """Credentials that open nothing, should a call ever escape."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            environment.setenv(name, "testing")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        yield


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
