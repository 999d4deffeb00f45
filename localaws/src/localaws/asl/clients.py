"""The clients with which a state machine calls other services: always as its own role."""

from __future__ import annotations

import datetime
import threading
import time
from typing import Any

import boto3
from botocore.config import Config

from localaws.credentials import LIFETIME_SECONDS, assume_as_service

# One session, because it keeps what it has read of botocore's large service descriptions.
_session: Any = boto3.session.Session()
_endpoint: str = ""
_cache: dict[tuple[str, str, str], tuple[float, Any]] = {}
_lock = threading.Lock()


def use_endpoint(url: str) -> None:
    """Tell the clients where the stage listens."""
    global _endpoint
    _endpoint = url


def client_for(region: str, service: str, role_arn: str) -> Any:
    """A client of `service` that signs as `role_arn`. Made once, as making one takes ~50 ms."""
    key = (region, service, role_arn)
    with _lock:
        expires, client = _cache.get(key, (0.0, None))
        if time.time() < expires:
            return client
        credentials = assume_as_service(role_arn, "states.amazonaws.com", "localaws-states")
        client = _session.client(
            service,
            region_name=region,
            endpoint_url=_endpoint,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.session_token,
            config=Config(
                # The machine's own Retry decides; a second layer would hide its behaviour.
                retries={"total_max_attempts": 1},
                read_timeout=900,
                inject_host_prefix=False,
            ),
        )
        _cache[key] = (time.time() + LIFETIME_SECONDS / 2, client)
        return client


def read_descriptions(*services: str) -> None:
    """Have botocore read these services' descriptions ahead of their first client."""
    for service in services:
        _session.client(service, region_name="us-east-1", endpoint_url=_endpoint)


def plain(value: Any) -> Any:
    """A service's answer as JSON: times as ISO 8601, bodies read."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return value.read().decode() if hasattr(value, "read") else value
