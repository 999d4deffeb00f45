"""Schedules fire, as their own role; objects that are written reach the queue of a rule."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import stage as local_stage
from localaws.patches.schedule_times import is_due, next_time
from localaws.patches.schedules import with_context
from localaws.stage import Stage
from support.making import Client, invoke, make_function, make_role
from support.stage import connect
from support.waiting import eventually

# A minute of AWS takes a second here, and the schedules are looked through six times in it.
PACE = 60.0
# It keeps what it was called with as an object.
KEEPING = """
import json, os, boto3
def handler(event, context):
    boto3.client("s3").put_object(
        Bucket=os.environ["BUCKET"], Key=f"ticks/{context.aws_request_id}", Body=json.dumps(event)
    )
"""
INPUT = '{"at": "<aws.scheduler.scheduled-time>", "by": "<aws.scheduler.schedule-arn>"}'


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Clients of a stage whose time is scaled."""
    home: Path = tmp_path_factory.mktemp("fast") / "home"
    running: Stage = local_stage.up(home, time_scale=PACE)
    yield lambda service: connect(running, service)
    local_stage.down(home)


@pytest.fixture
def bucket(fast: Client) -> str:
    name = f"kept-{uuid.uuid4().hex[:8]}"
    fast("s3").create_bucket(Bucket=name)
    return name


def schedule(fast: Client, target: str, role: str, letters: str | None = None, **times: str) -> str:
    name = f"tick-{uuid.uuid4().hex[:8]}"
    fast("scheduler").create_schedule(
        Name=name,
        **{"ScheduleExpression": "rate(1 minute)", **times},
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": target,
            "RoleArn": role,
            "Input": INPUT,
            **({"DeadLetterConfig": {"Arn": letters}} if letters else {}),
        },
    )
    return name


def function(fast: Client, bucket: str) -> str:
    writing = {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    name = make_function(fast, KEEPING, writing, BUCKET=bucket)
    return str(fast("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"])


def queue(fast: Client) -> tuple[str, str]:
    """The address and the ARN of a queue."""
    sqs = fast("sqs")
    url = sqs.create_queue(QueueName=f"queue-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return url, attributes["QueueArn"]


def received(fast: Client, url: str) -> list[Any]:
    messages = fast("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


def test_a_schedule_calls_its_function_with_the_time_and_its_own_name(
    fast: Client, bucket: str
) -> None:
    arn = function(fast, bucket)
    role = make_role(
        fast, "scheduler.amazonaws.com", {"Action": "lambda:InvokeFunction", "Resource": arn}
    )

    name = schedule(fast, arn, role)

    def kept() -> list[str]:
        listed = fast("s3").list_objects_v2(Bucket=bucket, Prefix="ticks/").get("Contents", [])
        return [each["Key"] for each in listed]

    key = eventually(kept)[0]
    event = json.loads(fast("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    assert event["by"].endswith(f"schedule/default/{name}")
    assert event["at"].endswith("Z")
    assert eventually(lambda: len(kept()) > 1)  # it fires again and again
    fast("scheduler").delete_schedule(Name=name)


@pytest.mark.parametrize("trusted", ["scheduler.amazonaws.com", "lambda.amazonaws.com"])
def test_what_its_role_may_not_call_goes_to_the_dead_letters(
    fast: Client, bucket: str, trusted: str
) -> None:
    arn, (url, letters) = function(fast, bucket), queue(fast)
    role = make_role(fast, trusted, {"Action": "sqs:SendMessage", "Resource": letters})

    name = schedule(fast, arn, role, letters)

    [letter, *_] = eventually(lambda: received(fast, url))
    assert set(letter) == {"at", "by"}
    assert "Contents" not in fast("s3").list_objects_v2(Bucket=bucket)
    fast("scheduler").delete_schedule(Name=name)


def test_so_does_what_is_for_a_function_that_is_gone(fast: Client, bucket: str) -> None:
    arn, (url, letters) = function(fast, bucket), queue(fast)
    role = make_role(
        fast,
        "scheduler.amazonaws.com",
        {"Action": "lambda:InvokeFunction", "Resource": arn},
        {"Action": "sqs:SendMessage", "Resource": letters},
    )
    fast("lambda").delete_function(FunctionName=arn.rpartition(":")[2])

    name = schedule(fast, arn, role, letters)

    assert eventually(lambda: received(fast, url))
    fast("scheduler").delete_schedule(Name=name)


def test_a_schedule_fires_in_the_time_of_its_place(fast: Client) -> None:
    (url, arn), sent = queue(fast), {"Action": "sqs:SendMessage"}
    role = make_role(fast, "scheduler.amazonaws.com", {**sent, "Resource": arn})
    now = datetime.now(UTC)

    def at(moment: datetime, zone: str) -> str:
        times = {"ScheduleExpression": f"at({moment:%Y-%m-%dT%H:%M:%S})"}
        return schedule(fast, arn, role, **times, ScheduleExpressionTimezone=zone)

    early = at(now, "America/New_York")  # five hours to go
    due = at(now + timedelta(hours=9), "Asia/Tokyo")  # the same moment as now

    [message] = eventually(lambda: received(fast, url))
    assert message["by"].endswith(f"/{due}")
    assert fast("scheduler").get_schedule(Name=early)["State"] == "ENABLED"


def test_a_stacks_schedule_keeps_its_zone_also_when_it_is_updated(fast: Client) -> None:
    stacks, name = fast("cloudformation"), f"zone-{uuid.uuid4().hex[:8]}"

    def template(zone: str) -> str:
        properties = {
            "Name": name,
            "ScheduleExpression": "cron(0 8 * * ? *)",
            "ScheduleExpressionTimezone": zone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": "arn:aws:sqs:us-east-1:123456789012:q", "RoleArn": "arn:role"},
        }
        made = {"Type": "AWS::Scheduler::Schedule", "Properties": properties}
        return json.dumps({"Resources": {"Morning": made}})

    def zone_is(zone: str) -> bool:
        known = stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        kept = fast("scheduler").get_schedule(Name=name)["ScheduleExpressionTimezone"]
        return known.endswith("E_COMPLETE") and kept == zone

    stacks.create_stack(StackName=name, TemplateBody=template("Asia/Tokyo"))
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert zone_is("Asia/Tokyo")
    stacks.update_stack(StackName=name, TemplateBody=template("Europe/Berlin"))
    assert eventually(lambda: zone_is("Europe/Berlin"))


def test_a_zone_that_does_not_exist_is_refused(fast: Client) -> None:
    with pytest.raises(ClientError, match="Invalid Schedule Expression Timezone: Europe/Bonn"):
        schedule(fast, "arn:q", "arn:role", ScheduleExpressionTimezone="Europe/Bonn")


def daily(zone: str, hour: str = "8") -> dict[str, str]:
    return {
        "ScheduleExpression": f"cron(30 {hour} * * ? *)",
        "ScheduleExpressionTimezone": zone,
    }


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        (daily("UTC"), "2026-11-30T08:29", "2026-11-30T08:30"),
        (daily("Asia/Tokyo"), "2026-11-30T08:29", "2026-11-30T23:30"),
        (daily("America/New_York"), "2026-11-30T08:29", "2026-11-30T13:30"),
        (daily("Asia/Kathmandu"), "2026-11-30T02:44", "2026-11-30T02:45"),
        # The clock goes forward: half past two is left out, as Scheduler does.
        (daily("Europe/Berlin", "2"), "2026-03-28T12:00", "2026-03-30T00:30"),
        # It goes back: half past two comes twice, and is due the first time alone.
        (daily("Europe/Berlin", "2"), "2026-10-25T00:00", "2026-10-25T00:30"),
        (daily("Europe/Berlin", "2"), "2026-10-25T00:31", "2026-10-26T01:30"),
        (daily("Europe/Berlin", "2"), "2026-10-25T01:10", "2026-10-26T01:30"),
    ],
)
def test_a_time_of_day_is_the_one_on_the_wall(
    schedule: dict[str, str], after: str, due: str
) -> None:
    found = next_time(schedule, datetime.fromisoformat(f"{after}+00:00"))

    assert found == datetime.fromisoformat(f"{due}+00:00")
    last = datetime.fromisoformat(f"{after}+00:00").timestamp()
    assert not is_due(schedule, last, found.timestamp() - 1)
    assert is_due(schedule, last, found.timestamp())


def test_a_schedule_of_times_is_not_due_before_it_was_looked_at() -> None:
    assert not is_due(daily("UTC"), None, 0.0)


def test_an_object_that_is_written_reaches_the_queue_of_a_rule(fast: Client, bucket: str) -> None:
    (url, arn), events = queue(fast), fast("events")
    fast("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": "datasets/"}]}},
    }
    events.put_rule(Name=bucket, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=bucket, Targets=[{"Id": "queue", "Arn": arn}])

    for key in ("datasets/a b/ü.csv", "runs/x", "datasets/c/d.csv"):
        fast("s3").put_object(Bucket=bucket, Key=key, Body=b"1")

    found = eventually(lambda: received(fast, url))
    assert [each["detail"]["object"]["key"] for each in found] == [
        "datasets/a b/ü.csv",
        "datasets/c/d.csv",
    ]
    assert all(each["time"] for each in found)


def test_the_attributes_of_the_context_stand_where_they_are_named() -> None:
    event = {"Time": 0, "Resources": ["arn:of:it"]}

    assert json.loads(with_context(INPUT, event)) == {
        "at": "1970-01-01T00:00:00Z",
        "by": "arn:of:it",
    }
    assert with_context(None, event) == "{}"


def test_a_batch_of_messages_needs_the_permission_for_one(fast: Client) -> None:
    url, arn = queue(fast)
    sending = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('sqs').send_message_batch(QueueUrl=event, Entries=[\n"
        "        {'Id': 'a', 'MessageBody': '1'}])\n"
    )
    name = make_function(fast, sending, {"Action": "sqs:SendMessage", "Resource": arn})

    answer, failed = invoke(fast, name, url)

    assert not failed, answer
    assert received(fast, url) == [1]
