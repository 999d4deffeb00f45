"""The model table's items: what a condition promises, by the table itself."""

from __future__ import annotations

import boto3
import pytest

from core.releases.release_table import Happening, ReleaseLedger
from core.stage.items import Items
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


def test_numbers_count_up_and_never_repeat(items: Items) -> None:
    assert [items.count("churn", "n", "last") for _ in range(3)] == [1, 2, 3]
    assert items.count("abalone", "n", "last") == 1


def test_items_are_listed_by_the_beginning_of_their_name(items: Items) -> None:
    for name in ("release#000002", "release#000001", "release-number", "history#1"):
        items.change("churn", name, {"a": name})

    found = [item["item"] for item in items.beginning_with("churn", "release#")]
    assert found == ["release#000001", "release#000002"]


def test_a_run_keeps_its_release_number(items: Items) -> None:
    ledger = ReleaseLedger(items)

    first = ledger.number_for("churn", "run-1", "noon")

    assert first == (1, "noon")
    assert ledger.number_for("churn", "run-1", "later") == first
    assert ledger.number_for("churn", "run-2", "later") == (2, "later")
    assert ledger.release_of_run("churn", "run-2") == 2


def test_the_champion_moves_only_from_where_it_was_seen(items: Items) -> None:
    ledger = ReleaseLedger(items)
    first = ledger.move_champion("churn", None, {"release": 1, "previous": None})
    seen = ledger.champion("churn")
    ledger.move_champion("churn", seen, {"release": 2, "previous": 1})

    late = ledger.move_champion("churn", seen, {"release": 3})

    champion = ledger.champion("churn")
    assert (first is not None, late) == (True, None)
    assert champion is not None
    assert (champion["release"], champion["previous"]) == (2, 1)


def test_the_turn_is_taken_once_and_given_back_only_by_its_holder(items: Items) -> None:
    ledger = ReleaseLedger(items)
    seen = ledger.turn("churn")

    taken = [ledger.take_turn("churn", seen, name, 100) for name in ("one", "two")]
    ledger.give_turn_back("churn", "two")
    holder = ledger.turn("churn")["holder"]
    ledger.give_turn_back("churn", "one")

    assert (taken, holder) == ([True, False], "one")
    assert "holder" not in ledger.turn("churn")
    assert ledger.take_turn("churn", ledger.turn("churn"), "two", 200)


def test_what_happened_twice_is_written_down_once(items: Items) -> None:
    ledger = ReleaseLedger(items)
    happening = Happening("2026-11-21T06:00:00Z", "promoted", 7, "7-live", previous=6)

    before = ledger.happened("churn", happening)
    for _ in range(2):
        ledger.write_down("churn", happening)

    assert (before, ledger.happened("churn", happening)) == (False, True)
    [item] = items.beginning_with("churn", "history#")
    assert item == {
        "model": "churn",
        "item": "history#2026-11-21T06:00:00Z#7-live",
        "at": "2026-11-21T06:00:00Z",
        "event": "promoted",
        "release": 7,
        "previous": 6,
    }
