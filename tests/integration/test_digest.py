"""What a digest counts: each thing in one digest, whenever it is sent, and without all history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest

from core.plan.digest_input import digest_input
from core.plan.sources import Limits
from core.report.fact import Fact
from core.stage.gateways import stage as gateways
from core.stage.table_key import key_of
from core.words.formats import timestamp
from tests.support.planned_stage import CLIENT, MONTHLY, publish, write
from tests.support.stage_in_memory import TABLE, Context, Stage

BEGIN, UNTIL = datetime(2026, 11, 23, 7, tzinfo=UTC), datetime(2026, 11, 30, 7, tzinfo=UTC)
NOTHING = {"count": 0, "failed": 0, "stopped": 0, "nothing_new": 0, "running": 0, "usd": 0.0}
DONE = {"status": "SUCCEEDED", "closed_at": "2026-11-29T12:00:00Z"}


def work_of(model: str, begin: datetime = BEGIN, until: datetime = UNTIL) -> dict[str, Any]:
    found = digest_input(gateways(), Limits(), begin, until, until + timedelta(seconds=30))
    return dict(found["work"][model])


def lists(stage: Stage, at: datetime, **named: Any) -> None:
    """A fact that the stage listed then."""
    when = timestamp(at)
    fact = Fact("batch done", when, "kanmon-test", "dev", when, summary="it is done", **named)
    gateways().notices.note(fact, at)


def pays(stage: Stage, model: str, item: str, *paid: tuple[str, str]) -> None:
    """What executions of the record cost, and when that was counted."""
    listed = [{"M": {"at": {"S": at}, "usd": {"N": usd}}} for at, usd in paid]
    stage.dynamodb.update_item(
        TableName=TABLE,
        Key=key_of(model, item),
        UpdateExpression="SET paid = :paid",
        ExpressionAttributeValues={":paid": {"L": listed}},
    )


@contextmanager
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How many items queries have read, and how many calls were made."""
    found: Counter[str] = Counter()
    original = CLIENT._make_api_call

    def make(self: Any, operation: str, parameters: Any) -> Any:
        answer = original(self, operation, parameters)
        found["calls"] += 1
        found["items"] += answer.get("ScannedCount", 0)
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(CLIENT, "_make_api_call", make)
        yield found


# ---- the time that it is of


@pytest.mark.parametrize(
    ("at", "begin"),
    [
        ("2026-11-30T07:00:00Z", "2026-11-23T07:00:00Z"),
        ("2026-10-26T07:00:00Z", "2026-10-19T06:00:00Z"),  # the clocks went back
        ("2026-03-30T06:00:00Z", "2026-03-23T07:00:00Z"),  # and forward
    ],
)
def test_a_digest_begins_where_the_one_before_it_ended_also_when_clocks_change(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, at: str, begin: str
) -> None:
    import send_digest

    monkeypatch.setenv("DIGEST", "weekly")
    monkeypatch.setenv("STAGE_TIME_ZONE", "Europe/Berlin")
    asked: list[tuple[datetime, datetime]] = []

    def gathered(sources: Any, limits: Any, begin: datetime, until: datetime, now: datetime) -> Any:
        asked.append((begin, until))
        return digest_input(sources, limits, begin, until, now)

    monkeypatch.setattr(send_digest, "digest_input", gathered)

    send_digest.handler({"at": at}, Context())

    assert asked == [(datetime.fromisoformat(begin), datetime.fromisoformat(at))]


def test_what_happens_after_the_due_time_of_a_digest_that_is_late_is_in_the_next(
    stage: Stage,
) -> None:
    publish(stage, "shoes", MONTHLY)
    ran = {"opened_at": "2026-11-30T06:50:00Z", "status": "SUCCEEDED"}
    write(stage, "shoes", "run#shoes-261130065000-abc", **ran, closed_at="2026-11-30T07:10:00Z")
    lists(stage, UNTIL + timedelta(minutes=10), model="shoes", batch="shoes-261130070500-abc")
    half_an_hour, day = timedelta(minutes=30), timedelta(days=1)

    late = digest_input(gateways(), Limits(), BEGIN, UNTIL, UNTIL + half_an_hour)
    following = digest_input(gateways(), Limits(), UNTIL, UNTIL + day, UNTIL + day)

    assert (late["from"], late["until"]) == ("2026-11-23T07:00:00Z", "2026-11-30T07:00:00Z")
    assert late["facts"] == []
    assert late["work"]["shoes"]["retrain"] == {**NOTHING, "count": 1, "running": 1}
    assert [fact["event"] for fact in following["facts"]] == ["batch done"]
    assert following["work"]["shoes"]["retrain"] == {**NOTHING, "count": 1}


# ---- what it reads


def test_a_digest_reads_no_more_of_a_stage_with_a_long_history(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(stage, "shoes", MONTHLY)
    for kind, hour in (("run", "01"), ("batch", "02"), ("monitoring", "03")):
        write(stage, "shoes", f"{kind}#shoes-261129{hour}0000-abc", **DONE)
    with read(monkeypatch) as young:
        before = work_of("shoes")

    for number in range(100):
        old = {"status": "FAILED", "closed_at": "2025-11-29T12:00:00Z", "cost": "x" * 2000}
        for kind in ("run", "batch", "monitoring"):
            write(stage, "shoes", f"{kind}#shoes-2511290100{number:02}-abc", **old)
    with read(monkeypatch) as old_stage:
        after = work_of("shoes")

    assert {work: each["count"] for work, each in before.items()} == {
        "retrain": 1,
        "score": 1,
        "monitor": 1,
    }
    assert after == before
    assert old_stage == young


def test_work_under_a_name_that_has_no_time_counts_by_the_fact_of_its_end(stage: Stage) -> None:
    publish(stage, "shoes", MONTHLY)
    write(stage, "shoes", "batch#by-hand", **DONE)
    lists(stage, BEGIN + timedelta(days=6), model="shoes", batch="by-hand")

    assert work_of("shoes")["score"] == {**NOTHING, "count": 1}


def test_a_run_that_a_person_named_counts_while_it_runs(stage: Stage) -> None:
    publish(stage, "shoes", MONTHLY)
    write(stage, "shoes", "run#by-hand", status="RUNNING", opened_at="2026-11-30T06:30:00Z")
    held = {"holder": {"S": "by-hand"}, "until": {"N": "1800000000"}}
    stage.dynamodb.put_item(TableName=TABLE, Item={**key_of("shoes", "retrain-lock"), **held})

    assert work_of("shoes")["retrain"] == {**NOTHING, "count": 1, "running": 1}


# ---- what it cost


def test_a_batch_that_is_resumed_a_week_later_costs_in_each_week_what_it_used_there(
    stage: Stage,
) -> None:
    publish(stage, "shoes", MONTHLY)
    week = timedelta(days=7)
    item = "batch#shoes-261102010000-abc"  # begun long before
    closed = {"closed_at": "2026-11-22T12:00:00Z", "asked_at": "2026-11-02T01:00:00Z"}
    write(stage, "shoes", item, status="FAILED", **closed)
    pays(stage, "shoes", item, ("2026-11-22T12:00:00Z", "4"))
    lists(stage, BEGIN - timedelta(hours=19), model="shoes", batch="shoes-261102010000-abc")
    first = work_of("shoes", BEGIN - week, BEGIN)["score"]

    write(stage, "shoes", item, **{**closed, **DONE})
    pays(stage, "shoes", item, ("2026-11-22T12:00:00Z", "4"), ("2026-11-29T12:00:00Z", "0.5"))
    lists(stage, UNTIL - timedelta(hours=19), model="shoes", batch="shoes-261102010000-abc")
    second = work_of("shoes")["score"]

    assert first == {**NOTHING, "count": 1, "failed": 1, "usd": 4.0}
    assert second == {**NOTHING, "count": 1, "usd": 0.5}


def test_what_is_counted_is_kept_with_its_time(stage: Stage) -> None:
    costs = gateways().costs
    first = {"usd": Decimal("0.25"), "retrain_usd": Decimal("0.25")}
    more = {"usd": Decimal("0.5"), "retrain_usd": Decimal("0.5")}
    early, later = "2026-11-22T12:00:00Z", "2026-11-29T12:00:00Z"

    assert costs.pay("shoes", "run#a", "2026-11", early, None, "first", 0.25, first)
    assert costs.pay("shoes", "run#a", "2026-11", later, "first", "second", 0.75, more)
    # It is counted already, by another writer.
    assert not costs.pay("shoes", "run#a", "2026-11", later, "first", "second", 0.75, more)

    found = boto3.client("dynamodb").get_item(TableName=TABLE, Key=key_of("shoes", "run#a"))
    assert found["Item"]["paid"]["L"] == [
        {"M": {"at": {"S": early}, "usd": {"N": "0.25"}}},
        {"M": {"at": {"S": later}, "usd": {"N": "0.5"}}},
    ]
