"""Clients of a running stage, for tests."""

from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config

from localaws.stage import Stage


@lru_cache(maxsize=128)  # making one takes longer than most calls
def connect(stage: Stage, service: str, **keys: str) -> Any:
    """Return a boto3 client of the stage, as root or with the keys given. It tries once."""
    return boto3.client(
        service,
        config=Config(retries={"total_max_attempts": 1}),
        endpoint_url=stage.endpoint,
        region_name=stage.region,
        **(
            keys
            or {
                "aws_access_key_id": stage.access_key,
                "aws_secret_access_key": stage.secret_key,
            }
        ),
    )
