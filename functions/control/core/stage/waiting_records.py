"""The queue of events that could not be recorded yet: Lambda's, or EventBridge's, dead letters."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WaitingRecord:
    """An event as Record Experiment is called with it; empty where the message has none."""

    event: dict[str, Any]
    receipt: str


class WaitingRecords:
    def __init__(self, client: Any, queue: str) -> None:
        self._client = client
        self._queue = queue

    def next(self) -> WaitingRecord | None:
        """One that waits, hidden from others for a while; it stays until it is removed.

        What is taken too often SQS itself puts into the dead letters.
        """
        answer = self._client.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=1, WaitTimeSeconds=1
        )
        for message in answer.get("Messages", []):
            return WaitingRecord(_event(message["Body"]), message["ReceiptHandle"])
        return None

    def remove(self, record: WaitingRecord) -> None:
        self._client.delete_message(QueueUrl=self._queue, ReceiptHandle=record.receipt)


def _event(body: str) -> dict[str, Any]:
    """Lambda puts the event into an envelope, EventBridge leaves it as it is."""
    try:
        found: Any = json.loads(body)
    except ValueError:
        return {}
    event = found.get("requestPayload", found) if isinstance(found, dict) else {}
    return event if isinstance(event, dict) else {}
