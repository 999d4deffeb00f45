"""What the model table holds about facts: each once, when it was listed and where it was sent.

They are the items of the partition `#notices`, which no model can be called: `fact#<digest of its
id>`, which says under which name it is listed, and `<time>#<digest>`, the fact itself. The table
lets both expire.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, get_args

from core.report.fact import Fact, read_stored

if TYPE_CHECKING:
    from core.stage.items import Item, Items

PARTITION = "#notices"
KEPT = timedelta(days=90)
# A function that has not ended after this is dead.
LONGEST_SENDING = timedelta(seconds=100)
Channel = Literal["mail", "chat"]

# After every time: names of listed facts begin with a digit.
_LAST = ":"


class BeingSentError(Exception):
    """Another function sends this fact at this moment."""


@dataclass(frozen=True)
class ListedFact:
    """`name` is its item's, and later than those listed before. `sent`: when, by channel."""

    name: str
    fact: Fact
    sent: dict[Channel, str]

    @property
    def at(self) -> str:
        """When it was listed."""
        return self.name.split("#")[0]


class NoticeTable:
    def __init__(self, items: Items) -> None:
        self._items = items

    def note(self, fact: Fact, now: datetime) -> ListedFact:
        """List the fact, if it is not listed; as it is listed then, also for a repeat.

        Every part may be done again. The fact is in both items, so that a repeat can list what a
        function that died has only begun to.
        """
        digest = hashlib.sha256(fact.id.encode()).hexdigest()[:32]
        begun: Item = {
            "listed": f"{_time(now)}#{digest}",
            "fact": json.dumps(fact.document()),
            "expires_at": int((now + KEPT).timestamp()),
        }
        item = f"fact#{digest}"
        known = self._items.change(PARTITION, item, begun, {"listed": (None,)})
        known = known or self._items.read(PARTITION, item) or begun
        written = {name: known[name] for name in ("fact", "expires_at")}
        listed = self._items.change(PARTITION, known["listed"], written)
        found = listed or {"item": known["listed"], **written}
        return _listed(found) or ListedFact(known["listed"], fact, {})

    @contextmanager
    def sending(self, listed: ListedFact, channel: Channel, now: datetime) -> Iterator[bool]:
        """True if it is to be sent there now, which is noted where the block ends well.

        Raises BeingSentError while another function sends it: it may fail, so come back later.
        """
        sent, began = f"sent_{channel}", f"sending_{channel}"
        item = self._items.read(PARTITION, listed.name) or {}
        if sent in item:
            yield False
            return
        seen, mine = item.get(began), _time(now)
        fresh = seen is not None and str(seen) >= _time(now - LONGEST_SENDING)
        expected = {sent: (None,), began: (seen,)}
        if fresh or self._items.change(PARTITION, listed.name, {began: mine}, expected) is None:
            raise BeingSentError(f"{listed.fact.id} is being sent by {channel}")
        done: str | None = None
        try:
            yield True
            done = mine
        finally:
            self._items.change(PARTITION, listed.name, {began: None, sent: done})

    def since(self, at: datetime) -> Iterator[ListedFact]:
        """The facts that were listed then or later, the newest last.

        One that is being listed may still come before the newest, by some seconds.
        """
        for item in self._items.between(PARTITION, _time(at), _LAST):
            if listed := _listed(item):
                yield listed


def _listed(item: Item) -> ListedFact | None:
    fact = read_stored(json.loads(item["fact"]))
    if fact is None:  # of another version of Kanmon
        return None
    sent = {one: str(item[f"sent_{one}"]) for one in get_args(Channel) if f"sent_{one}" in item}
    return ListedFact(item["item"], fact, sent)


def _time(at: datetime) -> str:
    """To the microsecond, so that names are in order."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
