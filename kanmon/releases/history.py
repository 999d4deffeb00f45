"""The history of a model's releases: who did what, when and why."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from kanmon.stage.model_table import items_of

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection


@dataclass(frozen=True)
class Event:
    """One entry of a model's history."""

    at: str
    event: str
    release: int | None = None
    by: str | None = None
    reason: str | None = None
    execution: str | None = None
    previous: int | None = None

    @property
    def what(self) -> str:
        """The event for people: a return to an earlier release is not called a rollback."""
        undone = self.event == "rolled back" and self.previous is not None
        return "back in service" if undone else self.event

    def document(self) -> dict[str, Any]:
        """The entry for programs."""
        return asdict(self)


def history(connection: "Connection", model: str, release: int | None = None) -> list[Event]:
    """A model's history, oldest first; only that of one release, if given."""
    found = [event_from(item) for item in items_of(connection, model, "history#")]
    return [one for one in found if release in (None, one.release)]


def event_from(item: dict[str, Any]) -> Event:
    """An entry from its item."""
    return Event(
        str(item.get("at") or str(item["item"]).split("#")[1]),
        str(item.get("event", "")),
        item.get("release"),
        item.get("by"),
        item.get("reason"),
        item.get("execution"),
        item.get("previous"),
    )
