"""The lock's conditional writes, when others write in between."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import pytest
from moto.dynamodb.models.table import Table

from core.runs.lock import LockContestedError, release_lock, take_lock
from core.stage.run_table import RunTable
from tests.support.stage_in_memory import TABLE, Stage

REQUEST = {"model": "churn", "reason": "manual", "parameters": {"alpha": 1.0, "beta": 1}}


def never(run: str) -> bool:
    """No execution has ended."""
    return False


class RacedClient:
    """A DynamoDB client whose every read is followed by another write."""

    def __init__(self, client: Any, races: list[Callable[[], object]]) -> None:
        self._client = client
        self._races = races
        self.exceptions = client.exceptions
        self.put_item = client.put_item

    def get_item(self, **request: Any) -> Any:
        found = self._client.get_item(**request)
        if self._races:
            self._races.pop()()
        return found


def test_of_two_runs_that_read_a_free_lock_only_one_takes_it(stage: Stage) -> None:
    other = RunTable(stage.dynamodb, TABLE)
    raced = RacedClient(
        stage.dynamodb, [lambda: take_lock(other, "churn", "first", 10, 60, REQUEST, never)]
    )

    asked = take_lock(RunTable(raced, TABLE), "churn", "second", 10, 60, REQUEST, never)

    assert (asked.outcome, asked.behind) == ("queued", "first")
    assert other.lock("churn").holder == "first"


def test_a_request_that_arrives_during_the_hand_over_is_not_lost(stage: Stage) -> None:
    table = RunTable(stage.dynamodb, TABLE)
    take_lock(table, "churn", "first", 10, 60, REQUEST, never)
    raced = RacedClient(
        stage.dynamodb, [lambda: take_lock(table, "churn", "second", 20, 60, REQUEST, never)]
    )

    handed = release_lock(RunTable(raced, TABLE), "churn", "first", 30)

    assert handed is not None
    assert handed.input == REQUEST
    assert table.lock("churn").holder == handed.to


def test_a_lock_written_by_others_without_end_is_given_up_aloud(stage: Stage) -> None:
    other = RunTable(stage.dynamodb, TABLE)
    endless = [lambda: take_lock(other, "churn", "first", 10, 60, REQUEST, never)] * 200

    with pytest.raises(LockContestedError, match="model churn: too many runs"):
        take_lock(
            RunTable(RacedClient(stage.dynamodb, endless), TABLE),
            "churn",
            "second",
            10,
            60,
            REQUEST,
            never,
        )


@pytest.fixture
def atomic_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto checks a condition and writes in two steps, between which another thread may write."""
    one_at_a_time, put_item = Lock(), Table.put_item

    def put_atomically(*given: Any, **named: Any) -> Any:
        with one_at_a_time:
            return put_item(*given, **named)

    monkeypatch.setattr(Table, "put_item", put_atomically)


@pytest.mark.usefixtures("atomic_writes")
def test_of_many_runs_at_once_one_has_the_lock_and_all_others_wait_as_one(stage: Stage) -> None:
    table = RunTable(stage.dynamodb, TABLE)
    reasons = [f"reason {number}" for number in range(8)]

    with ThreadPoolExecutor(4) as pool:
        asked = list(
            pool.map(
                lambda reason: take_lock(
                    table, "churn", reason, 10, 60, {**REQUEST, "reason": reason}, never
                ),
                reasons,
            )
        )

    lock = table.lock("churn")
    assert [each.outcome for each in asked].count("taken") == 1
    assert lock.queued is not None
    assert {lock.holder, *lock.queued.reasons} == set(reasons)


def test_the_parameters_of_a_waiting_request_keep_their_types(stage: Stage) -> None:
    table = RunTable(stage.dynamodb, TABLE)
    take_lock(table, "churn", "first", 10, 60, REQUEST, never)
    take_lock(table, "churn", "second", 20, 60, REQUEST, never)

    handed = release_lock(table, "churn", "first", 30)

    assert handed is not None
    assert repr(handed.input["parameters"]) == "{'alpha': 1.0, 'beta': 1}"
