"""MiniStack's gateway: which services it serves, without its own process start and stop."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ministack.app as gateway
from ministack.core import router

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]

WORKER_THREADS = 32

application = gateway.app


def attach(loop: asyncio.AbstractEventLoop) -> None:
    """Do what MiniStack's own start does for the services we use.

    The rest of its start is left out: init scripts, broker and file-transfer listeners, and the
    removal of other MiniStacks' containers from the machine's Docker.
    """
    gateway._MAIN_LOOP = loop
    loop.set_default_executor(ThreadPoolExecutor(WORKER_THREADS, "services"))


def add_service(name: str, target_prefix: str, handler: Handler) -> None:
    """Serve a JSON-protocol service that MiniStack does not have."""
    gateway.SERVICE_HANDLERS[name] = handler
    router.SERVICE_PATTERNS[name] = {"target_prefixes": [target_prefix], "host_patterns": []}


def wrap_service(name: str, wrapper: Callable[[Handler], Handler]) -> None:
    """Put a handler of ours around one of MiniStack's."""
    gateway.SERVICE_HANDLERS[name] = wrapper(gateway.SERVICE_HANDLERS[name])
