"""Send Chat: one message per fact, and what fails is tried again by others, not hidden."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from core.report import send_chat as rule
from core.report.chat import notification
from core.report.fact import Fact, FactError
from core.stage.gateways import stage as gateways
from core.stage.items import Items
from core.stage.notice_table import NoticeTable
from tests.support.stage_in_memory import TABLE, Context, Stage

WAITS = Fact(
    event="release waits",
    key="churn/7",
    stack="kanmon-test",
    stage="dev",
    at="2026-11-30T06:00:00Z",
    summary="hold: it may be worse",
    model="churn",
    release=7,
    approval="manual",
)


@pytest.fixture
def channel(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What a subscriber of the topic of chat gets: messages, with their attributes."""
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="kanmon-test-chat")["TopicArn"]
    queue = stage.sqs.create_queue(QueueName="channel")["QueueUrl"]
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:channel"
    )
    monkeypatch.setenv("CHAT_TOPIC_ARN", topic)
    gateways.cache_clear()

    def got() -> list[dict[str, Any]]:
        answer = stage.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        return [json.loads(one["Body"]) for one in answer.get("Messages", [])]

    yield got
    gateways.cache_clear()


def send(fact: Fact) -> dict[str, Any]:
    import send_chat  # late: it reads the settings of the conftest

    detail = json.loads(json.dumps(fact.document()))
    event = {"source": "kanmon", "detail-type": fact.event, "detail": detail}
    return dict(send_chat.handler(event, Context()))


def listed() -> list[tuple[str, list[str]]]:
    """The events that are listed, and where each was sent."""
    table = NoticeTable(Items(boto3.client("dynamodb"), TABLE))
    found = table.since(datetime(2026, 1, 1, tzinfo=UTC))
    return [(one.fact.event, sorted(one.sent)) for one in found]


def test_a_fact_becomes_one_message_in_the_form_of_channels(channel: Any) -> None:
    assert send(WAITS) == {"event": "release waits", "sent": True}

    [got] = channel()
    assert json.loads(got["Message"]) == notification(WAITS, gateways().links)
    attributes = {name: one["Value"] for name, one in got["MessageAttributes"].items()}
    assert attributes == {"event": "release waits", "model": "churn", "severity": "action"}
    assert listed() == [("release waits", ["chat"])]


def test_a_repeat_of_the_fact_is_not_sent_again(channel: Any) -> None:
    send(WAITS)

    assert send(replace(WAITS, at="2026-11-30T07:00:00Z"))["sent"] is False
    assert len(channel()) == 1


def test_what_is_not_mailed_is_not_put_into_chat_either(channel: Any) -> None:
    quiet = [
        replace(WAITS, event="nothing new"),
        replace(WAITS, event="candidate registered"),  # `release waits` says it all
    ]

    assert [send(fact)["sent"] for fact in quiet] == [False, False]
    assert channel() == []


def test_what_was_mailed_before_is_put_into_chat_all_the_same(channel: Any) -> None:
    table = NoticeTable(Items(boto3.client("dynamodb"), TABLE))
    now = datetime.now(UTC)
    with table.sending(table.note(WAITS, now), "mail", now):
        pass

    assert send(WAITS)["sent"] is True
    assert listed() == [("release waits", ["chat", "mail"])]


def test_a_renderer_that_fails_fails_the_call_and_the_next_try_sends(
    channel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(fact: Fact, links: Any) -> str:
        raise KeyError("chat.step.decide")

    with monkeypatch.context() as patch:
        patch.setattr(rule, "message", broken)
        with pytest.raises(KeyError, match="decide"):
            send(WAITS)

    assert (channel(), listed()) == ([], [("release waits", [])])
    assert send(WAITS)["sent"] is True
    assert len(channel()) == 1


def test_an_event_that_is_no_fact_is_refused(channel: Any) -> None:
    import send_chat

    with pytest.raises(FactError, match="the detail has no "):
        send_chat.handler({"source": "kanmon", "detail": {"format": 1}}, Context())

    assert channel() == []
