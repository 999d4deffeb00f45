"""The queue of arrivals: which objects of data sets were written since the last tick."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.words.formats import parsed

# So many messages are taken in one tick; what is left waits for the next one.
MOST_MESSAGES = 2000
# SQS hands out and removes so many in one call.
A_CALL = 10
# A short poll asks a part of SQS's servers: one empty answer does not mean that there is nothing.
_EMPTY_ANSWERS = 2


@dataclass(frozen=True)
class Arrival:
    """An object that was written; without a key where the message is none of S3's."""

    key: str | None
    at: datetime | None
    receipt: str


class Arrivals:
    def __init__(self, client: Any, queue: str) -> None:
        self._client = client
        self._queue = queue

    def take(self) -> list[Arrival]:
        """What waits, hidden from others for a while; it stays in the queue until it is removed."""
        found: list[Arrival] = []
        empty = 0
        while len(found) < MOST_MESSAGES and empty < _EMPTY_ANSWERS:
            answer = self._client.receive_message(
                QueueUrl=self._queue, MaxNumberOfMessages=A_CALL, WaitTimeSeconds=0
            )
            messages = answer.get("Messages", [])
            empty = 0 if messages else empty + 1
            found += [_arrival(each["Body"], each["ReceiptHandle"]) for each in messages]
        return found

    def remove(self, receipts: Iterable[str]) -> None:
        """For good. One that cannot be removed comes back, and counts once more as new data."""
        for some in _tens(list(receipts)):
            self._client.delete_message_batch(
                QueueUrl=self._queue,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": receipt}
                    for number, receipt in enumerate(some)
                ],
            )


def _arrival(body: str, receipt: str) -> Arrival:
    try:
        event: Any = json.loads(body)
        return Arrival(str(event["detail"]["object"]["key"]), parsed(event["time"]), receipt)
    except (ValueError, KeyError, TypeError):
        return Arrival(None, None, receipt)


def _tens(receipts: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(receipts), A_CALL):
        yield receipts[first : first + A_CALL]
