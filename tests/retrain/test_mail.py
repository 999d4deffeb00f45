"""What people are mailed, on a local stage: once, and never at the cost of a run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.report.fact import read
from tests.support.event_schema import EVENT_SCHEMA
from tests.support.laptop import LONG_TRAINING, Laptop, rows
from tests.support.waiting import eventually


def mails(laptop: Laptop, model: str) -> list[str]:
    """The subjects of all mails about a model, without the stage's name."""
    file = laptop.home / "logs/notifications.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    subjects = [json.loads(line)["subject"] for line in lines]
    start = ("kanmon-local: " + model + ":", "kanmon-local: " + model + "/")
    return [one.partition(": ")[2] for one in subjects if one.startswith(start)]


def listed(laptop: Laptop, model: str) -> list[dict[str, Any]]:
    """The facts about a model that the stage lists, the newest last."""
    pages = (
        laptop.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=laptop.outputs["ModelTableName"],
            KeyConditionExpression="#model = :notices AND #item < :facts",
            ExpressionAttributeNames={"#model": "model", "#item": "item"},
            ExpressionAttributeValues={":notices": {"S": "#notices"}, ":facts": {"S": ":"}},
        )
    )
    facts = [json.loads(item["fact"]["S"]) for page in pages for item in page["Items"]]
    for fact in facts:
        EVENT_SCHEMA.validate(fact)
        read(fact)
    return [fact for fact in facts if fact["model"] == model]


def events(laptop: Laptop, model: str, *wanted: str) -> list[dict[str, Any]]:
    """The facts about a model, once these are among them."""

    def there() -> list[dict[str, Any]] | None:
        facts = listed(laptop, model)
        return facts if set(wanted) <= {fact["event"] for fact in facts} else None

    found: list[dict[str, Any]] = eventually(there)
    return found


def test_a_waiting_release_is_one_mail_and_so_is_what_becomes_of_it(laptop: Laptop) -> None:
    laptop.add_model("waiting")
    laptop.put_object("waiting", rows(300))

    run = laptop.must("run", "waiting")

    facts = events(laptop, "waiting", "candidate registered", "release waits")
    assert len(facts) == 2
    [waits] = [fact for fact in facts if fact["event"] == "release waits"]
    assert (waits["release"], waits["run"], waits["severity"]) == (1, run["run"], "action")
    assert waits["metric"]["name"] == "rmse"
    assert waits["metric"]["candidate"] > 0
    assert waits["until"] > waits["at"]
    [subject] = eventually(lambda: mails(laptop, "waiting"))
    assert subject == f"waiting/1: release waits ({run['run']})"
    laptop.must("reject", "waiting/1", "--reason", "not on a Friday")
    facts = events(laptop, "waiting", "release rejected")
    [rejected] = [fact for fact in facts if fact["event"] == "release rejected"]
    assert "not on a Friday" in rejected["summary"]
    assert eventually(lambda: len(mails(laptop, "waiting")) == 2)
    # The pipeline ends by it, which is no fact of its own.
    laptop.must("run", "waiting")
    facts = events(laptop, "waiting", "nothing new")
    assert Counter(fact["event"] for fact in facts).most_common(1)[0][1] == 1
    assert len(facts) == 4
    assert len(mails(laptop, "waiting")) == 2


def test_a_run_that_is_stopped_is_no_failure(laptop: Laptop) -> None:
    laptop.add_model("stopped", LONG_TRAINING.format(name="stopped", floor=5.0))
    laptop.put_object("stopped", rows(300))
    run = laptop.must("run", "stopped", "--no-wait")
    laptop.holds("stopped", run["run"])

    laptop.must("stop", run["run"])

    [fact] = events(laptop, "stopped", "run stopped")
    assert fact["severity"] == "info"
    assert eventually(lambda: mails(laptop, "stopped")) == [f"stopped: run stopped ({run['run']})"]
    assert alarm(laptop, "retrain-failed") == "OK"


def test_a_mail_that_cannot_be_sent_leaves_the_run_untouched_and_turns_an_alarm(
    laptop: Laptop,
) -> None:
    laptop.add_model("silent")
    laptop.put_object("silent", rows(300))
    assert alarm(laptop, "notice-dead-letters") == "OK"

    with no_mail(laptop):
        run = laptop.must("run", "silent")
        letters = eventually(lambda: dead_letters(laptop, "silent"))

    assert run["status"] == "SUCCEEDED"
    assert alarm(laptop, "notice-dead-letters") == "ALARM"
    [letter] = letters
    assert letter["requestPayload"]["detail-type"] == "release waits"
    assert letter["requestPayload"]["detail"]["run"] == run["run"]
    assert "not authorized" in letter["responsePayload"]["errorMessage"]
    assert mails(laptop, "silent") == []
    assert {fact["event"] for fact in listed(laptop, "silent")} == {
        "candidate registered",
        "release waits",
    }


@contextmanager
def no_mail(laptop: Laptop) -> Iterator[None]:
    """The topic refuses what Send Mail publishes."""
    [role] = [
        one["PhysicalResourceId"]
        for one in laptop.client("cloudformation").describe_stack_resources(
            StackName="kanmon-local"
        )["StackResources"]
        if one["LogicalResourceId"] == "SendMailRole"
    ]
    deny = {"Effect": "Deny", "Action": "sns:Publish", "Resource": "*"}
    iam = laptop.client("iam")
    iam.put_role_policy(
        RoleName=role,
        PolicyName="no-mail",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
    )
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="no-mail")


def dead_letters(laptop: Laptop, model: str) -> list[dict[str, Any]]:
    """What is left about a model, which stays visible to the alarm."""
    sqs = laptop.client("sqs")
    [queue] = [url for url in sqs.list_queues()["QueueUrls"] if "NoticeDeadLetters" in url]
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
    letters = [json.loads(message["Body"]) for message in received.get("Messages", [])]
    return [one for one in letters if one["requestPayload"]["detail"]["model"] == model]


def alarm(laptop: Laptop, name: str) -> str:
    [found] = laptop.client("cloudwatch").describe_alarms(AlarmNames=[f"kanmon-local-{name}"])[
        "MetricAlarms"
    ]
    return str(found["StateValue"])
