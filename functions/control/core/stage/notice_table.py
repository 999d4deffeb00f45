"""What the model table holds about facts: each once, when it was listed and where it was sent.

They are the items of the partition `#notices`, which no model can be called: `fact#<digest of its
id>`, which says under which name it is listed, and `<time>#<digest>`, the fact itself. The table
lets both expire.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, get_args

from core.report.fact import Fact, read

if TYPE_CHECKING:
    from core.stage.items import Item, Items

PARTITION = "#notices"
KEPT = timedelta(days=90)
Channel = Literal["mail", "chat"]

# After every time: names of listed facts begin with a digit.
_LAST = ":"


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
        """List the fact, if it is not listed; as it is listed then, also for a repeat."""
        digest = hashlib.sha256(fact.id.encode()).hexdigest()[:32]
        name, fact_item = f"{_time(now)}#{digest}", f"fact#{digest}"
        until = int((now + KEPT).timestamp())
        written = {"fact": json.dumps(fact.document()), "expires_at": until}
        if self._items.change_all(
            [
                (PARTITION, fact_item, {"listed": name, "expires_at": until}, {"listed": (None,)}),
                (PARTITION, name, written, None),
            ]
        ):
            return ListedFact(name, fact, {})
        listed = (self._items.read(PARTITION, fact_item) or {}).get("listed", name)
        item = self._items.read(PARTITION, str(listed))
        return _listed(item) if item else ListedFact(str(listed), fact, {})

    def mark_sent(self, listed: ListedFact, channel: Channel, now: datetime) -> None:
        """Note that it was sent there."""
        self._items.change(PARTITION, listed.name, {f"sent_{channel}": _time(now)})

    def since(self, at: datetime) -> Iterator[ListedFact]:
        """The facts that were listed then or later, the newest last.

        One that is being listed may still come before the newest, by some seconds.
        """
        for item in self._items.between(PARTITION, _time(at), _LAST):
            yield _listed(item)


def _listed(item: Item) -> ListedFact:
    sent = {one: str(item[f"sent_{one}"]) for one in get_args(Channel) if f"sent_{one}" in item}
    return ListedFact(item["item"], read(json.loads(item["fact"])), sent)


def _time(at: datetime) -> str:
    """To the microsecond, so that names are in order."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
