"""The stage's event bus, which gets every fact as one event."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from core.report.fact import SOURCE, Fact
from core.words.formats import parsed

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

# An entry that was throttled is answered with 200, so boto3 does not repeat it.
_MOST_TRIES = 4
_FIRST_PAUSE_SECONDS = 0.1


class EventNotTakenError(Exception):
    """The bus did not take an event, for whatever reason. What put it is to be tried again."""


class EventBus:
    def __init__(self, client: EventBridgeClient, bus: str) -> None:
        self._client = client
        self._bus = bus

    def put(self, fact: Fact) -> None:
        """Put the fact on the bus; readers know a repeat by its id."""
        document = fact.document()
        entry: PutEventsRequestEntryTypeDef = {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": fact.event,
            "Detail": json.dumps(document),
            "Resources": [arn for arn in (document["package_arn"],) if arn],
            **({"Time": at} if (at := parsed(fact.at)) else {}),
        }
        problem = None
        for repeat in range(_MOST_TRIES):
            if repeat:
                time.sleep(_FIRST_PAUSE_SECONDS * 2**repeat)
            problem = self._put(entry)
            if problem is None:
                return
        raise EventNotTakenError(f"the bus {self._bus} did not take {fact.id}: {problem}")

    def _put(self, entry: PutEventsRequestEntryTypeDef) -> str | None:
        """What is wrong, if the bus did not take it."""
        try:
            answer = self._client.put_events(Entries=[entry])
        except (ClientError, BotoCoreError) as error:
            return str(error)
        if not answer["FailedEntryCount"]:
            return None
        [refused] = answer["Entries"]
        return f"{refused.get('ErrorCode')}: {refused.get('ErrorMessage')}"
