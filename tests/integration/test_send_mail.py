"""Send Mail: one mail per fact, however often its event comes and whatever fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

import send_mail
from core.report.fact import Fact, FactError
from core.report.send_mail import send_mail as send
from core.stage import gateways
from core.stage.notice_table import LONGEST_SENDING, BeingSentError
from tests.support.release_table import KilledError
from tests.support.stage_in_memory import TOPIC, Context, Stage

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
    error="TrainJobFailed",
)
Mails = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def mails(stage: Stage) -> Iterator[Mails]:
    """What a subscription to everything got since the last look."""
    gateways.stage.cache_clear()
    queue = stage.sqs.create_queue(QueueName="mails")["QueueUrl"]
    boto3.client("sns").create_topic(Name=TOPIC.rpartition(":")[2])
    boto3.client("sns").subscribe(
        TopicArn=TOPIC, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:mails"
    )

    def received() -> list[dict[str, Any]]:
        found = stage.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        messages = found.get("Messages", [])
        for message in messages:
            stage.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]

    yield received
    gateways.stage.cache_clear()


def listed() -> list[Fact]:
    return [each.fact for each in gateways.stage().notices.since(NOW - timedelta(days=999))]


def event_of(fact: Fact) -> dict[str, Any]:
    return {"source": "kanmon", "detail-type": fact.event, "detail": fact.document()}


def test_a_fact_is_mailed_once_and_can_be_filtered_by_its_attributes(
    mails: Mails, context: Context
) -> None:
    first = send_mail.handler(event_of(FACT), context)
    again = send_mail.handler(event_of(replace(FACT, at="2026-11-21T06:30:00Z")), context)

    assert (first["mailed"], again["mailed"]) == (True, False)
    [mail] = mails()
    assert mail["Subject"] == "kanmon-test: churn: run failed (churn-261121055501-x7k)"
    assert json.loads(mail["Message"]) == FACT.document()
    assert {name: value["Value"] for name, value in mail["MessageAttributes"].items()} == {
        "event": "run failed",
        "model": "churn",
        "severity": "error",
    }
    assert [
        listed.fact for listed in gateways.stage().notices.since(NOW - timedelta(days=999))
    ] == [FACT]


def test_what_another_fact_says_too_is_listed_and_not_mailed(
    mails: Mails, context: Context
) -> None:
    fact = replace(FACT, event="candidate registered", release=7, approval="manual")

    answer = send_mail.handler(event_of(fact), context)

    assert answer == {"event": "candidate registered", "mailed": False}
    assert mails() == []
    assert listed() == [fact]


def test_a_mail_that_could_not_be_sent_is_sent_by_the_next_try(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = gateways.stage()

    def refused(*_: object) -> None:
        raise ConnectionError("the topic cannot be reached")

    with monkeypatch.context() as broken:
        broken.setattr(stage.topic, "publish", refused)
        with pytest.raises(ConnectionError):
            send(stage, FACT, NOW)

    assert send(stage, FACT, NOW + timedelta(seconds=1)) is True
    assert len(mails()) == 1


def test_of_two_events_at_the_same_moment_one_is_mailed(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = gateways.stage()
    publish = stage.topic.publish

    def meanwhile(fact: Fact, subject: str, text: str) -> None:
        with pytest.raises(BeingSentError):  # Lambda calls it again later
            send(stage, FACT, NOW)
        publish(fact, subject, text)

    monkeypatch.setattr(stage.topic, "publish", meanwhile)
    assert send(stage, FACT, NOW) is True

    assert send(stage, FACT, NOW) is False
    assert len(mails()) == 1


def test_a_function_that_died_while_it_sent_keeps_no_mail_back(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = gateways.stage()
    with monkeypatch.context() as broken:
        broken.setattr(stage.notices._items, "change", dying_at(stage.notices._items.change, 4))
        with pytest.raises(KilledError):
            send(stage, FACT, NOW)

    with pytest.raises(BeingSentError):
        send(stage, FACT, NOW + timedelta(seconds=60))
    assert send(stage, FACT, NOW + LONGEST_SENDING + timedelta(seconds=1)) is True
    assert len(mails()) == 2  # twice rather than never


def dying_at(change: Callable[..., Any], call: int) -> Callable[..., Any]:
    """The table, whose caller dies at this write: the fourth notes that a mail was sent."""
    calls = iter(range(1, 100))

    def dying(*given: Any, **more: Any) -> Any:
        if next(calls) == call:
            raise KilledError
        return change(*given, **more)

    return dying


def test_an_event_that_is_no_fact_is_refused(mails: Mails, context: Context) -> None:
    with pytest.raises(FactError, match="has no format"):
        send_mail.handler({"source": "kanmon", "detail": {"event": "run failed"}}, context)

    assert mails() == []
