"""A stage in memory whose planner ticks: models with plans, data that arrives, calls counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from core.definition.folder import folder_digest
from core.stage.table_key import key_of
from tests.support.control_cases import MODEL_YAML
from tests.support.stage_in_memory import ARRIVALS, BUCKET, TABLE, Context, Stage

# Through its private method goes every call.
CLIENT: Any = BaseClient
ON_DATA = "retrain: {on: [data], quiet_minutes: 30}\n"
MONTHLY = 'retrain: {schedule: {cron: "0 6 1 * *", time_zone: Europe/Berlin}}\n'


def publish(stage: Stage, model: str, plan: str = ON_DATA) -> None:
    """A model of this name, with these keys about planning in its definition."""
    text = MODEL_YAML.replace("name: churn", f"name: {model}") + plan
    sha256 = folder_digest({"model.yaml": text.encode()})
    stage.put(f"definitions/{model}/{sha256}/model.yaml", text)
    write(stage, model, "definition", sha256=sha256)


def write(stage: Stage, model: str, item: str, **fields: str) -> None:
    values = {key: {"S": value} for key, value in fields.items()}
    stage.dynamodb.put_item(TableName=TABLE, Item={**key_of(model, item), **values})


def arrive(stage: Stage, key: str, at: str = "2026-11-30T03:00:00Z") -> None:
    """The message of an object that was written."""
    stage.sqs.send_message(QueueUrl=ARRIVALS, MessageBody=_news(key, at))


def arrive_together(stage: Stage, keys: Sequence[str]) -> None:
    """The messages of objects that were written within a minute, ten by one call."""
    for first in range(0, len(keys), 10):
        entries = [
            {"Id": str(number), "MessageBody": _news(key, f"2026-11-30T03:00:{number % 60:02}Z")}
            for number, key in enumerate(keys[first : first + 10], first)
        ]
        stage.sqs.send_message_batch(QueueUrl=ARRIVALS, Entries=entries)


def _news(key: str, at: str) -> str:
    return json.dumps({"time": at, "detail": {"bucket": {"name": BUCKET}, "object": {"key": key}}})


def waiting(stage: Stage) -> int:
    """How many messages are in the queue, also those that are hidden for a while."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = stage.sqs.get_queue_attributes(QueueUrl=ARRIVALS, AttributeNames=names)
    return sum(int(value) for value in found["Attributes"].values())


def tick(at: str, now: str | None = None) -> dict[str, Any]:
    """A tick of this time; `now` is what the clock says, instead of the machine's."""
    import plan  # late: it reads the settings

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.fromisoformat(now) if now else datetime.now(tz)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "datetime", Clock)
        answer: dict[str, Any] = plan.handler({"at": at}, Context())
    return answer


def executions(stage: Stage, workflow: str = "retrain") -> list[str]:
    machine = f"arn:aws:states:us-east-1:123456789012:stateMachine:kanmon-test-{workflow}"
    listed = stage.states.list_executions(stateMachineArn=machine)["executions"]
    return sorted(each["name"] for each in listed)


def planned(model: str) -> dict[str, Any]:
    """The planner's item of a model."""
    found = boto3.client("dynamodb").get_item(
        TableName=TABLE, Key={"model": {"S": "#plan"}, "item": {"S": model}}
    )
    return {name: next(iter(value.values())) for name, value in found.get("Item", {}).items()}


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """The calls to AWS, by operation."""
    calls: Counter[str] = Counter()
    original = CLIENT._make_api_call

    def make(self: Any, operation: str, parameters: Any) -> Any:
        calls[operation] += 1
        return original(self, operation, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(CLIENT, "_make_api_call", make)
        yield calls


@contextmanager
def throttled(
    monkeypatch: pytest.MonkeyPatch, operation: str, code: str = "ThrottlingException"
) -> Iterator[None]:
    """AWS refuses an operation; as it says, for now."""
    original = CLIENT._make_api_call

    def make(self: Any, asked: str, parameters: Any) -> Any:
        if asked == operation:
            raise ClientError({"Error": {"Code": code, "Message": "later"}}, asked)
        return original(self, asked, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(CLIENT, "_make_api_call", make)
        yield
