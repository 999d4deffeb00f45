"""Chat on the local stage: each fact becomes one message, and chat that fails harms nobody."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from core.report.fact import Fact
from core.stage.event_bus import EventBus
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


def letters(laptop: Laptop) -> list[dict[str, Any]]:
    """What is in the dead letters of chat, which stays there."""
    stack = laptop.client("cloudformation").describe_stack_resource(
        StackName="kanmon-local", LogicalResourceId="ChatDeadLetters"
    )
    queue = stack["StackResourceDetail"]["PhysicalResourceId"]
    answer = laptop.client("sqs").receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [json.loads(one["Body"]) for one in answer.get("Messages", [])]


def test_a_fact_on_the_bus_is_a_message_in_chat_once_and_a_notice(laptop: Laptop) -> None:
    put(laptop, WAITS)
    eventually(lambda: messages(laptop))
    put(laptop, WAITS)
    put(laptop, replace(WAITS, key="churn/8", release=8))
    eventually(lambda: len(messages(laptop)) == 2)

    titles = [one["content"]["title"] for one in messages(laptop)]
    assert titles == [
        f"✋ kanmon-local: Release churn/{number} waits for approval." for number in (7, 8)
    ]

    def listed() -> Any:
        found = laptop.must("notices", "--model", "churn")
        sent = [one for one in found if one["sent"]["chat"]]
        return found if len(sent) == 2 else None

    assert [one["release"] for one in eventually(listed)] == [7, 8]
    said = laptop.kanmon("notices", "--event", "release waits")
    assert "churn/7" in said.out
    assert "chat" in said.out


def test_where_chat_fails_the_fact_is_left_in_the_dead_letters_and_runs_go_on(
    laptop: Laptop,
) -> None:
    laptop.add_model("calm")
    laptop.put("calm", rows())
    laptop.must("publish")
    before = len(messages(laptop))
    laptop.client("sns").delete_topic(TopicArn=laptop.outputs["ChatTopicArn"])

    lost = replace(WAITS, key="churn/9", release=9)
    put(laptop, lost)
    run = laptop.must("run", "calm")

    assert run["status"] == "SUCCEEDED"

    def left() -> Any:
        found = [one["requestPayload"]["detail"]["id"] for one in letters(laptop)]
        return lost.id in found

    eventually(left)
    assert len(messages(laptop)) == before
    [notice] = [one for one in laptop.must("notices") if one["id"] == lost.id]
    assert notice["sent"]["chat"] is None
