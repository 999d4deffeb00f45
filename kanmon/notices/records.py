"""The facts that a stage listed: read them, choose among them, name what each is about."""

import difflib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.report.fact import EVENTS
from kanmon.errors import BadInputError
from kanmon.stage.model_table import items_back, items_between

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# As `core.stage.notice_table` writes them; that one imports what takes long to load.
PARTITION = "#notices"
CHANNELS = ("mail", "chat")
# After every time: the names of listed facts begin with one.
_LAST = ":"


@dataclass(frozen=True)
class Notice:
    """A fact as it is listed, under a name that sorts by time. `sent`: when, by channel."""

    name: str
    fact: dict[str, Any]
    sent: dict[str, str]

    @property
    def at(self) -> str:
        """When it happened."""
        return str(self.fact.get("at") or "")

    @property
    def listed(self) -> str:
        """When it was listed, by which notices are in order."""
        return self.name.partition("#")[0]

    @property
    def event(self) -> str:
        """What happened, by the event's name."""
        return str(self.fact.get("event"))

    @property
    def severity(self) -> str:
        """How much it matters."""
        return str(self.fact.get("severity"))

    @property
    def model(self) -> str | None:
        """The model it is about; None if it is about the stage."""
        found = self.fact.get("model")
        return str(found) if found else None

    @property
    def about(self) -> str:
        """What it is about, by the name that commands take."""
        model, release = self.model, self.fact.get("release")
        # A batch and a monitoring name the release that they used.
        known = self.fact.get("batch") or self.fact.get("monitoring")
        if not known and model and release is not None:
            return f"{model}/{release}"
        return str(known or self.fact.get("run") or model or "the stage")

    @property
    def summary(self) -> str:
        """What there is to say, on one line."""
        return " ".join(str(self.fact.get("summary") or "").split())

    @property
    def told(self) -> str:
        """Where it was sent."""
        return ", ".join(one for one in CHANNELS if one in self.sent)

    def document(self) -> dict[str, Any]:
        """The notice for `--json`."""
        return {**self.fact, "sent": {one: self.sent.get(one) for one in CHANNELS}}


def notices_since(connection: "Connection", at: datetime) -> list[Notice]:
    """All that were listed since then, the newest last."""
    return [_notice(item) for item in items_between(connection, PARTITION, name_of(at), _LAST)]


def notices_back(connection: "Connection", before: str, until: datetime) -> Iterator[Notice]:
    """Those listed before the notice or time of this name, back until a time, the newest first.

    No more of them are read than are taken.
    """
    for item in items_back(connection, PARTITION, before, name_of(until)):
        if item["item"] != before:
            yield _notice(item)


def name_of(at: datetime) -> str:
    """What the names of notices begin with that were listed at a time."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _notice(item: dict[str, Any]) -> Notice:
    sent = {one: str(item[f"sent_{one}"]) for one in CHANNELS if f"sent_{one}" in item}
    return Notice(item["item"], json.loads(item["fact"]), sent)


def chosen(found: Iterable[Notice], model: str | None, event: str | None) -> list[Notice]:
    """Those about this model and of this event; None is any."""
    return [one for one in found if model in (None, one.model) and event in (None, one.event)]


def check_event(event: str, known: Sequence[str] = tuple(EVENTS)) -> str:
    """The event's name; raises BadInputError for one that there is not."""
    if event in known:
        return event
    near = difflib.get_close_matches(event, known, 2)
    fix = f"Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise BadInputError(f"there is no event {event!r}", fix or f"There are: {', '.join(known)}.")
