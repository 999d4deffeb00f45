"""The bus that takes facts and the table that lists them, each once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError

from core.report.fact import Fact, read
from core.stage import event_bus
from core.stage.event_bus import EventBus, EventNotTakenError
from core.stage.items import Items
from core.stage.notice_table import PARTITION, NoticeTable
from tests.support.stage_in_memory import TABLE, Stage

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
FACT = Fact(
    event="run failed",
    key="churn-261121055501-x7k/0",
    stack="kanmon-test",
    stage="dev",
    at="2026-11-21T05:59:00Z",
    summary="train: the target has one class",
    model="churn",
    run="churn-261121055501-x7k",
)


@pytest.fixture
def items(stage: Stage) -> Items:
    return Items(boto3.client("dynamodb"), TABLE)


@pytest.fixture
def table(items: Items) -> NoticeTable:
    return NoticeTable(items)


def test_a_fact_is_listed_once_however_often_it_is_noted(table: NoticeTable) -> None:
    first = table.note(FACT, NOW)
    with table.sending(first, "mail", NOW) as to_send:
        assert to_send

    again = table.note(replace(FACT, at="2026-11-21T07:00:00Z"), NOW + timedelta(hours=1))

    assert (again.name, again.fact) == (first.name, FACT)
    assert again.sent == {"mail": "2026-11-21T06:00:00.000000Z"}
    assert list(table.since(NOW - timedelta(days=1))) == [again]


def test_facts_are_listed_in_order_from_a_moment_on(table: NoticeTable) -> None:
    moments = [NOW + timedelta(milliseconds=n) for n in (2, 0, 1)]
    for n, at in enumerate(moments):
        table.note(replace(FACT, key=f"run/{n}"), at)

    listed = table.since(NOW + timedelta(milliseconds=1))

    assert [each.fact.key for each in listed] == ["run/2", "run/0"]


def test_what_is_listed_expires_after_ninety_days(table: NoticeTable, items: Items) -> None:
    table.note(FACT, NOW)

    until = int((NOW + timedelta(days=90)).timestamp())
    assert [item["expires_at"] for item in items.of(PARTITION)] == [until, until]


def test_the_bus_gets_a_fact_as_one_event(stage: Stage) -> None:
    events, sqs = boto3.client("events"), stage.sqs
    events.create_event_bus(Name="facts")
    events.put_rule(Name="all", EventBusName="facts", EventPattern='{"source": ["kanmon"]}')
    queue = sqs.create_queue(QueueName="events")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:events"
    events.put_targets(Rule="all", EventBusName="facts", Targets=[{"Id": "queue", "Arn": arn}])

    EventBus(events, "facts").put(FACT)

    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"]) == ("kanmon", "run failed")
    assert read(event["detail"]) == FACT


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_bus, "_FIRST_PAUSE_SECONDS", 0)


class Busy:
    """A bus that takes an event only after so many refusals."""

    def __init__(self, refusals: int) -> None:
        self.left = refusals

    def put_events(self, **request: object) -> dict[str, object]:
        self.left -= 1
        if self.left < 0:
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}
        entry = {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}
        return {"FailedEntryCount": 1, "Entries": [entry]}


@pytest.mark.usefixtures("impatient")
def test_an_event_that_a_busy_bus_refuses_is_put_again() -> None:
    bus = Busy(refusals=3)

    EventBus(bus, "facts").put(FACT)  # type: ignore[arg-type]

    assert bus.left == -1


@pytest.mark.usefixtures("impatient")
def test_an_event_that_the_bus_does_not_take_is_an_error() -> None:
    with pytest.raises(EventNotTakenError, match=r"run failed.*InternalFailure: try again"):
        EventBus(Busy(refusals=9), "facts").put(FACT)  # type: ignore[arg-type]


@pytest.mark.usefixtures("impatient")
def test_a_bus_that_does_not_answer_takes_nothing() -> None:
    with pytest.raises(EventNotTakenError, match="AccessDenied"):
        EventBus(Refusing(), "facts").put(FACT)  # type: ignore[arg-type]


class Refusing:
    def put_events(self, **request: object) -> dict[str, object]:
        error = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
        raise ClientError(error, "PutEvents")  # type: ignore[arg-type]
