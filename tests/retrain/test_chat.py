"""Chat on the local stage: each fact becomes one message, and chat that fails harms nobody."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from core.report.fact import Fact
from core.stage.event_bus import EventBus
from tests.support.grants import CHAT, unused
from tests.support.laptop import Laptop, deployed, rows
from tests.support.waiting import eventually

WAITS = Fact(
    event="release waits",
    key="churn/7",
    stack="kanmon-local",
    stage="local",
    at="2026-11-30T06:00:00Z",
    summary="hold: it may be worse than the champion",
    model="churn",
    release=7,
    approval="manual",
)


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A stage with messages for chat, and no channel that shows them."""
    root = tmp_path_factory.mktemp("laptop")
    parameters = "Stage=local LogRetentionDays=1 ChatMessages=true"
    with deployed(root, parameters=parameters) as laptop:
        yield laptop


def put(laptop: Laptop, fact: Fact) -> None:
    EventBus(laptop.client("events"), "kanmon-local").put(fact)


def messages(laptop: Laptop) -> list[dict[str, Any]]:
    """What channels would have shown."""
    file = laptop.home / "logs/notifications.jsonl"
    lines = file.read_text().splitlines() if file.is_file() else []
    found = [json.loads(line) for line in lines]
    chat = laptop.outputs["ChatTopicArn"]
    return [json.loads(one["message"]) for one in found if one["topic"] == chat]


def left(laptop: Laptop) -> list[str]:
    """The facts in the dead letters of chat, which stay there."""
    stack = laptop.client("cloudformation").describe_stack_resource(
        StackName="kanmon-local", LogicalResourceId="ChatDeadLetters"
    )
    queue = stack["StackResourceDetail"]["PhysicalResourceId"]
    answer = laptop.client("sqs").receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    found = [json.loads(one["Body"]) for one in answer.get("Messages", [])]
    return [one["requestPayload"]["detail"]["id"] for one in found]


def test_a_fact_on_the_bus_is_a_message_in_chat_once_and_a_notice(laptop: Laptop) -> None:
    first, second = (replace(WAITS, key=f"churn/{each}", release=each) for each in (7, 8))
    put(laptop, first)
    eventually(lambda: first.id in ids(messages(laptop)))
    put(laptop, first)
    put(laptop, second)
    eventually(lambda: second.id in ids(messages(laptop)))

    [message] = [one for one in messages(laptop) if ids([one]) == [first.id]]
    assert message["content"]["title"] == ("✋ kanmon-local: Release churn/7 waits for approval.")

    def listed() -> Any:
        found = {one["id"]: one for one in laptop.must("notices", "--model", "churn")}
        sent = [one in found and found[one]["sent"]["chat"] for one in (first.id, second.id)]
        return found if all(sent) else None

    assert eventually(listed)[first.id]["summary"] == WAITS.summary
    said = laptop.kanmon("notices", "--event", "release waits")
    assert "churn/7" in said.out
    assert "chat" in said.out


def test_where_chat_fails_the_fact_is_left_in_the_dead_letters_and_runs_go_on(
    laptop: Laptop,
) -> None:
    laptop.add_model("calm")
    laptop.put("calm", rows())
    laptop.must("publish")
    sent, lost = (replace(WAITS, key=f"churn/{each}", release=each) for each in (9, 10))
    put(laptop, sent)
    eventually(lambda: sent.id in ids(messages(laptop)))

    with without_topic(laptop):
        put(laptop, lost)
        run = laptop.must("run", "calm")
        assert run["status"] == "SUCCEEDED"
        eventually(lambda: lost.id in left(laptop))

    assert lost.id not in ids(messages(laptop))
    told = {one["id"]: bool(one["sent"]["chat"]) for one in laptop.must("notices")}
    assert (told[sent.id], told[lost.id]) == (True, False)
    # It sent and it failed to, so it has used all that it may.
    assert CHAT not in unused(laptop.home / "state/authorizations.jsonl", [CHAT])


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [one["metadata"]["additionalContext"]["id"] for one in found]


@contextmanager
def without_topic(laptop: Laptop) -> Iterator[None]:
    """Send Chat cannot send meanwhile."""
    sns, arn = laptop.client("sns"), laptop.outputs["ChatTopicArn"]
    sns.delete_topic(TopicArn=arn)
    yield
    sns.create_topic(Name=arn.rpartition(":")[2])
