"""The model table's items: what a condition promises, by the table itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
import pytest

from core.stage.items import Change, Items
from core.stage.release_history import HistoryEntry
from core.stage.release_records import (
    CLOSED,
    PROMOTABLE,
    Champion,
    DeploymentLock,
    Release,
    Status,
    history_from,
)
from core.stage.release_table import ReleaseTable
from tests.support.stage_in_memory import TABLE, Stage


@pytest.fixture
def items(stage: Stage) -> Items:
    return Items(boto3.client("dynamodb"), TABLE)


def test_what_was_written_is_read_back_whole_numbers_as_such(items: Items) -> None:
    items.change("churn", "x", {"number": 7, "text": "a", "gone": None})

    assert items.read("churn", "x") == {"model": "churn", "item": "x", "number": 7, "text": "a"}
    assert items.read("churn", "y") is None


def test_a_change_is_made_only_if_the_item_is_as_expected(items: Items) -> None:
    first = items.change("churn", "x", {"status": "A"}, {"status": (None,)})
    again = items.change("churn", "x", {"status": "B"}, {"status": (None,)})
    either = items.change("churn", "x", {"status": "C"}, {"status": ("A", None)})

    assert first is not None
    assert (again, either and either["status"]) == (None, "C")


def test_a_field_can_be_removed_and_expected_to_be_missing(items: Items) -> None:
    items.change("churn", "x", {"a": 1, "b": 2})

    changed = items.change("churn", "x", {"a": None, "b": 3}, {"a": (1,), "c": (None,)})

    assert changed == {"model": "churn", "item": "x", "b": 3}


def test_items_are_listed_by_the_beginning_of_their_name(items: Items) -> None:
    for name in ("release#000002", "release#000001", "release-number", "history#1"):
        items.change("churn", name, {"a": name})

    found = [item["item"] for item in items.beginning_with("churn", "release#")]
    assert found == ["release#000001", "release#000002"]


def test_what_is_no_record_hides_none_of_the_records(items: Items) -> None:
    """A data scientist may write a definition's fields under any name, and nothing else."""
    table = ReleaseTable(items)
    table.open(Release("churn", 2, Status.WAITING, run="run-2", opened_at="2026-11-21T06:00:00Z"))
    for model, item in (
        ("churn", "release#000001"),
        ("churn", "release#999999"),
        ("releases to start", "to-start#0"),
    ):
        items.change(model, item, {"sha256": "0a1b", "published_at": "now"})

    assert [one.release for one in table.releases("churn")] == [2]
    assert [one.release for one in table.queue()] == [2]
    assert table.release("churn", 1) is None


def test_a_run_keeps_its_release_number(items: Items) -> None:
    table = ReleaseTable(items)

    first = table.number_for("churn", "run-1", "noon")

    assert first == (1, "noon")
    assert table.number_for("churn", "run-1", "later") == first
    assert table.number_for("churn", "run-2", "later") == (2, "later")
    # Its record names a release only once there is one.
    assert table.release_of_run("churn", "run-2") is None
    table.open(Release("churn", 2, Status.WAITING, run="run-2"))
    assert table.release_of_run("churn", "run-2") == 2


def test_a_run_of_an_earlier_version_keeps_the_number_it_was_given(items: Items) -> None:
    table = ReleaseTable(items)
    items.change("churn", "run#run-1", {"release": 4, "release_opened_at": "noon"})

    assert table.number_for("churn", "run-1", "later") == (4, "noon")


def test_releases_to_start_are_kept_in_the_order_they_were_opened(items: Items) -> None:
    table = ReleaseTable(items)
    second = Release("abalone", 7, Status.WAITING, opened_at="2026-11-21T06:00:01Z")
    first = Release("churn", 2, Status.WAITING, opened_at="2026-11-21T06:00:00Z")
    for release in (second, first, first):
        table.open(release)

    queue = table.queue()
    table.leave_queue(queue[0])

    assert [(one.model, one.release) for one in queue] == [("churn", 2), ("abalone", 7)]
    assert table.queue() == queue[1:]


def test_several_items_change_together_or_not_at_all(items: Items) -> None:
    items.change("churn", "one", {"n": 1})
    new: list[Change] = [
        ("churn", "two", {"n": 2}, {"n": (None,)}),
        ("churn", "one", {"n": None, "m": 3}, {"n": (1,)}),
    ]

    assert [items.change_all(new), items.change_all(new)] == [True, False]
    assert items.read("churn", "one") == {"model": "churn", "item": "one", "m": 3}
    late: list[Change] = [("churn", "three", {"n": 3}, None), *new]
    assert not items.change_all(late)
    assert items.read("churn", "three") is None


def test_the_champion_moves_only_from_where_it_was_seen(items: Items) -> None:
    table = ReleaseTable(items)
    first = table.move_champion(None, Champion("churn", 1))
    seen = table.champion("churn")
    table.move_champion(seen, Champion("churn", 2, previous=1))

    late = table.move_champion(seen, Champion("churn", 3))

    champion = table.champion("churn")
    assert (first is not None, late) == (True, None)
    assert champion is not None
    assert (champion.release, champion.previous) == (2, 1)


def test_the_lock_is_taken_once_and_released_only_by_its_holder(items: Items) -> None:
    table = ReleaseTable(items)
    seen = table.lock("churn")

    taken = [table.take_lock(seen, name, 100) for name in ("one", "two")]
    table.unlock("churn", "two")
    holder = table.lock("churn").holder
    table.unlock("churn", "one")

    assert (taken, holder) == ([True, False], "one")
    assert table.lock("churn") == DeploymentLock("churn")
    assert table.take_lock(table.lock("churn"), "two", 200)


def test_what_happened_twice_is_in_the_history_once(items: Items) -> None:
    table = ReleaseTable(items)
    entry = HistoryEntry("2026-11-21T06:00:00Z", "promoted", 7, key="7-live", previous=6)

    before = table.has_entry("churn", entry)
    for _ in range(2):
        table.add_entry("churn", entry)

    assert (before, table.has_entry("churn", entry)) == (False, True)
    [item] = items.beginning_with("churn", "history#")
    assert item == {
        "model": "churn",
        "item": "history#2026-11-21T06:00:00Z#7-live",
        "at": "2026-11-21T06:00:00Z",
        "event": "promoted",
        "release": 7,
        "previous": 6,
        "number": 1,
    }


def test_what_happened_in_one_second_is_read_as_it_was_written(items: Items) -> None:
    table, at = ReleaseTable(items), "2026-11-21T06:00:00Z"
    entries = [
        HistoryEntry(at, "rolled back", 7, key="000007-3-live-a", previous=8),
        HistoryEntry(at, "withdrawal started", 7, key="000007-2-started-b"),
        HistoryEntry(at, "withdrawn", 7, key="000007-3-withdrawn-b"),
        HistoryEntry(at, "rollback started", 6, key="000006-2-started-c"),
    ]

    for entry in (*entries, *entries):
        table.add_entry("churn", entry)

    read = history_from(items.beginning_with("churn", "history#"))
    assert [one.event for one in read] == [
        "rolled back",
        "withdrawal started",
        "withdrawn",
        "rollback started",
    ]


def test_a_repeat_of_what_an_earlier_version_wrote_adds_nothing(items: Items) -> None:
    entry = HistoryEntry("2026-11-21T06:00:00Z", "promoted", 7, key="7-live")
    earlier = {"at": entry.at, "event": "promoted", "release": 7}
    items.change("churn", entry.item, earlier)

    ReleaseTable(items).add_entry("churn", entry)

    [item] = items.beginning_with("churn", "history#")
    assert item == {"model": "churn", "item": entry.item, **earlier}


def test_two_that_write_the_history_at_once_get_a_number_each(items: Items) -> None:
    table, at = ReleaseTable(items), "2026-11-21T06:00:00Z"
    read, others = items.read, [HistoryEntry(at, "approved", 8, key="other")]

    def another_writes_after(model: str, item: str) -> dict[str, Any] | None:
        found = read(model, item)
        if item == "history-number" and others:
            table.add_entry(model, others.pop())
        return found

    items.read = another_writes_after  # type: ignore[method-assign]
    table.add_entry("churn", HistoryEntry(at, "opened", 9, key="mine"))

    found = {item["event"]: item["number"] for item in items.beginning_with("churn", "history#")}
    assert found == {"approved": 1, "opened": 2}


def test_changes_that_another_transaction_crosses_are_made_when_it_is_over(
    items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = items._client
    write, crossed = client.transact_write_items, [1, 2]
    reasons: Any = {"CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}]}
    canceled = client.exceptions.TransactionCanceledException(reasons, "TransactWriteItems")
    monkeypatch.setattr("core.stage.items.time.sleep", lambda seconds: None)

    def cross(**request: Any) -> Any:
        if crossed:
            crossed.pop()
            raise canceled
        return write(**request)

    monkeypatch.setattr(client, "transact_write_items", cross)

    assert items.change_all([("churn", "a", {"x": 1}, None), ("churn", "b", {"x": 1}, None)])
    assert [items.read("churn", name) is not None for name in "ab"] == [True, True]
    crossed.extend(range(100))
    with pytest.raises(type(canceled)):
        items.change_all([("churn", "c", {"x": 1}, None)])


def test_a_release_is_read_back_as_it_was_written_and_opened_once(items: Items) -> None:
    table = ReleaseTable(items)
    release = Release("churn", 7, Status.WAITING, run="churn-1", package_version=3, verdict="hold")

    opened = table.open(release)
    again = table.open(Release("churn", 7, Status.WAITING, run="churn-2"))

    assert opened == again == table.release("churn", 7) == release
    assert table.advance(release, Status.APPROVED, {"decided_by": "ada"}, CLOSED) is None
    approved = table.advance(release, Status.APPROVED, {"decided_by": "ada"}, PROMOTABLE)
    assert approved == replace(release, status=Status.APPROVED, decided_by="ada")
    assert table.releases("churn") == [approved]
