"""Following a stage's notices: each as soon as it is sent, or listed if it is not sent then."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kanmon.notices.records import Notice, notices_since

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# One that is being listed may come before the newest by some seconds, and clocks differ.
OVERLAP = timedelta(minutes=2)
# A person reads along: a stage in an account is asked less often than while it is waited for.
SECONDS_IN_AN_ACCOUNT = 5.0
SECONDS_HERE = 0.5


def follow(connection: "Connection", seen: set[str]) -> Iterator[Notice]:
    """Every notice that is not among the seen ones, for ever, the oldest first.

    It is listed before it is sent, so one that is not sent yet is looked at once more.
    """
    held: set[str] = set()
    pause = SECONDS_HERE if connection.endpoint else SECONDS_IN_AN_ACCOUNT
    began = datetime.now(UTC) - OVERLAP
    while True:
        now = datetime.now(UTC)
        for one in notices_since(connection, began):
            if one.name in seen:
                continue
            if one.sent or one.name in held:
                seen.add(one.name)
                held.discard(one.name)
                yield one
            else:
                held.add(one.name)
        began = max(began, now - OVERLAP)
        time.sleep(pause)
