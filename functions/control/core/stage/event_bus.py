"""The stage's event bus, which gets every fact as one event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from core.report.fact import SOURCE, Fact
from core.words.formats import parsed

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


class EventNotTakenError(Exception):
    """The bus did not take an event. What put it is to be tried again."""


class EventBus:
    def __init__(self, client: EventBridgeClient, bus: str) -> None:
        self._client = client
        self._bus = bus

    def put(self, fact: Fact) -> None:
        """Put the fact on the bus; a repeat is the same fact to whom reads its id."""
        document = fact.document()
        answer = self._client.put_events(
            Entries=[
                {
                    "EventBusName": self._bus,
                    "Source": SOURCE,
                    "DetailType": fact.event,
                    "Detail": json.dumps(document),
                    "Resources": [arn for arn in (document["package_arn"],) if arn],
                    **({"Time": at} if (at := parsed(fact.at)) else {}),
                }
            ]
        )
        # It answers 200 to what it does not take.
        if answer["FailedEntryCount"]:
            [entry] = answer["Entries"]
            said = f"{entry.get('ErrorCode')}: {entry.get('ErrorMessage')}"
            raise EventNotTakenError(f"the bus {self._bus} did not take {fact.id}: {said}")
