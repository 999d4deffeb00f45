"""MiniStack's function URLs: both permissions that AWS asks for, and not before Lambda is up."""

import asyncio
import functools
import threading
from typing import Any

import ministack.app as gateway

FIRST, SECOND = "lambda:InvokeFunctionUrl", "lambda:InvokeFunction"
VIA_URL = {"lambda:InvokedViaFunctionUrl": "true"}


def install(ready: threading.Event) -> None:
    """Let requests wait for `ready`, and ask IAM for both permissions."""
    gateway._enforce_data_plane = _twice(gateway._enforce_data_plane)
    gateway._handle_lambda_url_request = _in_time(gateway._handle_lambda_url_request, ready)


def _twice(enforce: Any) -> Any:
    """Since October 2025 a caller needs lambda:InvokeFunction, too."""

    @functools.wraps(enforce)
    def twice(service: str, iam_action: str, *request: Any, **named: Any) -> Any:
        denied = enforce(service, iam_action, *request, **named)
        if denied or iam_action != FIRST:
            return denied
        return enforce(service, SECOND, *request, **{**named, "service_context": VIA_URL})

    return twice


def _in_time(handle: Any, ready: threading.Event) -> Any:
    @functools.wraps(handle)
    async def in_time(host: str, path: str, *request: Any, **named: Any) -> Any:
        if not ready.is_set() and gateway._parse_lambda_url(host, path):
            await asyncio.to_thread(ready.wait)
        return await handle(host, path, *request, **named)

    return in_time
