"""The items of the model table about releases: records, champion, lock, history and queue.

A model's items are `release#<6 digits>`, `release-number`, `champion`, `deployment-lock`,
`history#<time>#<key>` and `history-number`; those of its runs are in run_table. A record's fields
are the item's attributes. The releases of all models that are still to be started are items of one
name that no model can have. Nothing here loads boto3: the command line reads the same records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core.stage.release_history import HistoryEntry
from core.stage.release_records import (
    WITHDRAWN,
    Champion,
    DeploymentLock,
    Queued,
    Record,
    Release,
    Status,
    Withdrawal,
    attributes,
    champion_from,
    is_release,
    record_from,
    release_item,
    withdrawal_from,
)

if TYPE_CHECKING:
    from core.stage.items import Change, Expected, Items

_CHAMPION, _LOCK, _NUMBER = "champion", "deployment-lock", "release-number"
_HISTORY_NUMBER = "history-number"
_QUEUE, _TO_START = "releases to start", "to-start#"


class ReleaseTable:
    """The items; each change is made only if the item is still as it was expected."""

    def __init__(self, items: Items) -> None:
        self._items = items

    # ---- numbers

    def number_for(self, model: str, run: str, now: str) -> tuple[int, str]:
        """The number kept for the run's release and since when: the same however often it is asked.

        The run's record names the release only once there is one, see `open`.
        """
        while "release_opened_at" not in (known := self._items.read(model, f"run#{run}") or {}):
            expected = {"release_opened_at": (None,)}
            self._give_next_number(model, run, {"release_opened_at": now}, expected)
        # Earlier versions named the release before it was there.
        number = known["release_number"] if "release_number" in known else known["release"]
        return int(number), str(known["release_opened_at"])

    def number_instead(self, model: str, run: str, taken: int) -> int:
        """Another number for the run's release, because a dead run has used `taken`."""
        while True:
            known = self._items.read(model, f"run#{run}") or {}
            if known.get("release_number") not in (None, taken):
                return int(known["release_number"])
            seen = {"release_number": (known.get("release_number"),)}
            self._give_next_number(model, run, {"release": None}, seen)

    def _give_next_number(
        self, model: str, run: str, fields: Mapping[str, Any], expected: Expected
    ) -> None:
        """Count, and give the number to the run, at once; if others were faster, do neither."""
        last = (self._items.read(model, _NUMBER) or {}).get("last")
        number = int(last or 0) + 1
        self._items.change_all(
            [
                (model, _NUMBER, {"last": number}, {"last": (last,)}),
                (model, f"run#{run}", {"release_number": number, **fields}, expected),
            ]
        )

    def release_of_run(self, model: str, run: str) -> int | None:
        known = self._items.read(model, f"run#{run}") or {}
        return int(known["release"]) if "release" in known else None

    # ---- releases

    def release(self, model: str, number: int) -> Release | None:
        item = self._items.read(model, release_item(number))
        return _if_any(Release, item if item and is_release(item) else None)

    def releases(self, model: str) -> list[Release]:
        """All of them, the oldest first."""
        items = self._items.beginning_with(model, "release#")
        return [record_from(Release, item) for item in items if is_release(item)]

    def open(self, release: Release) -> Release:
        """Record a release as waiting, name it in its run's record and put it into the queue of
        those to start: all three or nothing. A release that is there is left as it is."""
        model, number, item = release.model, release.release, release_item(release.release)
        changes: list[Change] = [
            (model, item, attributes(release), {"status": (None,)}),
            (model, f"run#{release.run}", {"release": number}, None),
            (_QUEUE, *_queued(release), None),
        ]
        if self._items.change_all(changes):
            return release
        return self.release(model, number) or release

    def start(self, release: Release, execution: str, at: str | None = None) -> Release | None:
        """Name the pipeline execution that promotes the release, the first time."""
        fields = {"execution": execution, "started_at": at}
        return self._change(release, fields, {"execution": (None,)})

    def advance(
        self,
        release: Release,
        status: Status,
        changes: Mapping[str, str | None],
        allowed: tuple[Status, ...],
    ) -> Release | None:
        """Give a release its next status if it has one of `allowed`; None if it has not."""
        return self._change(release, {"status": status, **changes}, {"status": allowed})

    def note(
        self, release: Release, changes: Mapping[str, str | None], allowed: tuple[Status, ...]
    ) -> Release | None:
        """Add to a release's record without giving it another status."""
        return self._change(release, changes, {"status": allowed})

    def _change(
        self, release: Release, changes: Mapping[str, Any], expected: Expected
    ) -> Release | None:
        item = release_item(release.release)
        return _if_any(Release, self._items.change(release.model, item, changes, expected))

    # ---- releases to start, of all models

    def queue(self) -> list[Queued]:
        """The releases whose execution is still to be started, the oldest first."""
        items = self._items.beginning_with(_QUEUE, _TO_START)
        return [
            Queued(each["item"], each["of"], int(each["release"]))
            for each in items
            if {"of", "release"} <= each.keys()
        ]

    def enter_queue(self, release: Release) -> None:
        """Put a release into the queue that is recorded, and has lost its place."""
        self._items.change(_QUEUE, *_queued(release))

    def leave_queue(self, queued: Queued) -> None:
        self._items.remove(_QUEUE, queued.item)

    # ---- the champion

    def champion(self, model: str) -> Champion | None:
        """What is in service; None before the first promotion and after a withdrawal."""
        return champion_from(self._items.read(model, _CHAMPION))

    def move_champion(self, seen: Champion | None, wanted: Champion) -> Champion | None:
        """Point at another release, unless it has been moved since `seen` was read."""
        revision = seen.revision if seen else self._revision_without_champion(wanted.model)
        withdrawn = dict.fromkeys(WITHDRAWN)
        moved = {**attributes(wanted, keep_none=True), **withdrawn, "revision": (revision or 0) + 1}
        expected = {"revision": (revision,)}
        return champion_from(self._items.change(wanted.model, _CHAMPION, moved, expected))

    def withdraw_champion(self, seen: Champion, withdrawal: Withdrawal) -> bool:
        """Point at no release; False if it has been moved since `seen` was read."""
        nothing = dict.fromkeys(attributes(seen, keep_none=True))
        named = {f"withdrawn_{name}": value for name, value in asdict(withdrawal).items()}
        moved = {**nothing, **named, "revision": (seen.revision or 0) + 1}
        expected = {"revision": (seen.revision,)}
        return self._items.change(seen.model, _CHAMPION, moved, expected) is not None

    def withdrawal(self, model: str) -> Withdrawal | None:
        return withdrawal_from(self._items.read(model, _CHAMPION))

    def _revision_without_champion(self, model: str) -> int | None:
        item = self._items.read(model, _CHAMPION) or {}
        # Where there is a champion by now, an impossible one: the move finds that it was late.
        return -1 if "release" in item else item.get("revision")

    # ---- the lock to deploy

    def lock(self, model: str) -> DeploymentLock:
        return _if_any(DeploymentLock, self._items.read(model, _LOCK)) or DeploymentLock(model)

    def take_lock(self, seen: DeploymentLock, execution: str, until: int) -> bool:
        """Take the lock as it was seen; False if another execution was faster."""
        wanted = {"holder": execution, "until": until}
        expected = {"holder": (seen.holder,), "until": (seen.until,)}
        return self._items.change(seen.model, _LOCK, wanted, expected) is not None

    def unlock(self, model: str, execution: str) -> None:
        """Release the lock if the execution holds it."""
        free = {"holder": None, "until": None}
        self._items.change(model, _LOCK, free, {"holder": (execution,)})

    # ---- history

    def has_entry(self, model: str, entry: HistoryEntry) -> bool:
        return self._items.read(model, entry.item) is not None

    def add_entry(self, model: str, entry: HistoryEntry) -> None:
        """Write the entry with the model's next number, unless it is there."""
        while not self.has_entry(model, entry):
            last = (self._items.read(model, _HISTORY_NUMBER) or {}).get("last")
            numbered = {**attributes(entry), "number": int(last or 0) + 1}
            counted = {"last": numbered["number"]}
            self._items.change_all(
                [
                    (model, _HISTORY_NUMBER, counted, {"last": (last,)}),
                    (model, entry.item, numbered, {"at": (None,)}),
                ]
            )


def _queued(release: Release) -> tuple[str, dict[str, Any]]:
    """The item of a release that is to be started, and its fields."""
    item = f"{_TO_START}{release.opened_at}#{release.model}#{release.release:06d}"
    return item, {"of": release.model, "release": release.release}


def _if_any(kind: type[Record], item: Mapping[str, Any] | None) -> Record | None:
    return None if item is None else record_from(kind, item)
