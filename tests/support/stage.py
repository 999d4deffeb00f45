"""Clients of a local stage, for tests that look at it past the command line."""

from typing import Any

import boto3
from botocore.config import Config

from localaws.stage import Stage


def client_of(stage: Stage, service: str) -> Any:
    """A boto3 client of the stage, as root. It tries once."""
    return boto3.client(
        service,
        config=Config(retries={"total_max_attempts": 1}),
        endpoint_url=stage.endpoint,
        region_name=stage.region,
        aws_access_key_id=stage.access_key,
        aws_secret_access_key=stage.secret_key,
    )
