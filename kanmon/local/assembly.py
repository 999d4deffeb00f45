"""Puts the local stage together: the emulator, our hooks into it, and our own services."""

import asyncio
import logging

from kanmon.local import authorization
from kanmon.local.entrance import Application
from kanmon.local.home import Home

log = logging.getLogger(__name__)


def assemble(home: Home, loop: asyncio.AbstractEventLoop) -> Application:
    """Return the application that serves every AWS service of the stage."""
    from kanmon.local.patches import access

    access_key, _ = home.root_key()
    access.install(access_key, authorization.open_record(home).add)
    from kanmon.local.patches import gateway

    gateway.attach(loop)
    application: Application = gateway.application
    return application


def warm_up() -> None:
    """Import what is heavy while the first requests are already served."""


def close() -> None:
    """Save what is not saved yet and stop what runs beside the server."""
