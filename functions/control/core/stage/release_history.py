"""What a model's history holds about its releases, and in which order it is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

_NOT_SHOWN = ("key", "number")


@dataclass(frozen=True)
class HistoryEntry:
    """Something that happened to a model's releases.

    `key` makes a repeat land on the same entry. `number` counts what was written: it puts what
    happened within one second in order. Entries of earlier versions have none.
    """

    at: str
    event: str
    release: int | None = None
    by: str | None = None
    reason: str | None = None
    execution: str | None = None
    previous: int | None = None
    key: str = ""
    number: int = 0

    @property
    def item(self) -> str:
        return f"history#{self.at}#{self.key}"

    @property
    def what(self) -> str:
        """The event in words: a rollback undoes a release's canary, or brings a release back.

        One that came back took over from another, or, after a withdrawal, from none.
        """
        came_back = self.previous is not None or "-live-" in self.key
        return "back in service" if self.event == "rolled back" and came_back else self.event

    def document(self) -> dict[str, object]:
        """The entry for programs."""
        return {name: value for name, value in asdict(self).items() if name not in _NOT_SHOWN}


def in_order(entries: Iterable[HistoryEntry]) -> list[HistoryEntry]:
    """The oldest first; those of one second as they were written.

    But a release is opened before all else that happens to it: its pipeline may write faster than
    the function that started it. Entries without a number are older, and their keys' order is all
    that is known of them.
    """
    listed = list(entries)
    first: dict[tuple[str, int | None], int] = {}
    for one in listed:
        about = one.at, one.release
        first[about] = min(one.number, first.get(about, one.number))

    def place(one: HistoryEntry) -> tuple[str, int, bool, str]:
        opened = one.event == "opened"
        number = first[one.at, one.release] if opened else one.number
        return one.at, number, not opened, one.key

    return sorted(listed, key=place)
