"""What services of our own need of MiniStack's: its event bus, its logs, who is calling."""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from localaws import persistence
from localaws.home import ACCOUNT

log = logging.getLogger(__name__)

CREDENTIAL = re.compile(r"Credential=([^/,\s]+)")


@dataclass(frozen=True)
class Event:
    """One event for the default event bus."""

    source: str
    detail_type: str
    resource: str
    detail: Mapping[str, Any]


class Emulator:
    """MiniStack's services, in this process; one for all services of our own."""

    def __init__(self) -> None:
        # One thread: events leave in the order in which they happened, and nobody waits for them.
        self._events = ThreadPoolExecutor(1, "service-events")
        self._key: ContextVar[str] = ContextVar("access_key", default="")

    def remember_caller(self, headers: Mapping[str, str]) -> None:
        """Keep, for this request, who signed it."""
        found = CREDENTIAL.search(headers.get("authorization", ""))
        self._key.set(found[1] if found else "")

    def caller(self) -> str | None:
        """The ARN of the role that signed the current request; None for the account's root."""
        from localaws.patches import access

        role = access.session_role(self._key.get())
        return f"arn:aws:iam::{ACCOUNT}:role/{role}" if role else None

    def identity(self) -> str:
        """The full ARN of who signed the current request, a role's session with its name."""
        from ministack.services import sts

        session = sts._sessions.get(self._key.get())
        return str(session["Arn"]) if session else f"arn:aws:iam::{ACCOUNT}:root"

    def emit(self, event: Event) -> None:
        detail = json.dumps(event.detail)
        entry = {
            "Source": event.source,
            "DetailType": event.detail_type,
            "Detail": detail,
            "Resources": [event.resource],
        }
        self._events.submit(self._put, entry)

    def _put(self, entry: Mapping[str, object]) -> None:
        from ministack.services import eventbridge

        try:
            eventbridge._put_events({"Entries": [dict(entry)]}, allow_aws_source=True)
            persistence.changed("events")
        except Exception:
            log.exception("an event could not be delivered: %s", entry["DetailType"])

    def log_group_exists(self, group: str) -> bool:
        from ministack.services import cloudwatch_logs

        return group in cloudwatch_logs._log_groups

    def write_log(self, group: str, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        """Append lines to a stream; the group and the stream are made where they are missing."""
        from ministack.services import cloudwatch_logs

        named = {"logGroupName": group, "logStreamName": stream}
        # Both answer "already exists" from the second time on.
        cloudwatch_logs._create_log_group(named)
        cloudwatch_logs._create_log_stream(named)
        events = [{"timestamp": at, "message": line} for at, line in lines]
        cloudwatch_logs._put_log_events({**named, "logEvents": events})
        persistence.changed("logs")

    def write_metric(self, namespace: str, name: str, value: float, host: str) -> None:
        from ministack.services import cloudwatch

        cloudwatch.record_metric(namespace, name, value, unit="Percent", dimensions={"Host": host})
        persistence.changed("monitoring")
