"""What a rule's function does not take is tried again, and then left where the function says."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.making import make_function
from support.waiting import eventually

Client = Callable[[str], Any]

# It fails until it has been called as often as the event says.
FAILING = """
import json, os, boto3
def handler(event, context):
    s3, bucket = boto3.client("s3"), os.environ["BUCKET"]
    s3.put_object(Bucket=bucket, Key=f"calls/{context.aws_request_id}", Body=b"")
    calls = s3.list_objects_v2(Bucket=bucket, Prefix="calls/")["KeyCount"]
    if calls < event["detail"]["good"]:
        raise RuntimeError(f"call {calls}")
"""


class Bus:
    """A bus whose one rule calls a failing function, which leaves its failures in a queue."""

    def __init__(self, client: Client, may_leave: bool) -> None:
        self.client, self.name = client, f"bus-{uuid.uuid4().hex[:8]}"
        client("s3").create_bucket(Bucket=self.name)
        sqs = client("sqs")
        self.letters = sqs.create_queue(QueueName=self.name)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=self.letters, AttributeNames=["QueueArn"])
        arn = self.queue = attributes["Attributes"]["QueueArn"]
        objects = f"arn:aws:s3:::{self.name}"
        statements = [
            {"Action": ["s3:PutObject", "s3:ListBucket"], "Resource": [objects, f"{objects}/*"]},
            *([{"Action": "sqs:SendMessage", "Resource": arn}] if may_leave else []),
        ]
        function = make_function(client, FAILING, *statements, BUCKET=self.name)
        client("lambda").put_function_event_invoke_config(
            FunctionName=function,
            MaximumRetryAttempts=2,
            DestinationConfig={"OnFailure": {"Destination": arn}},
        )
        events = client("events")
        events.create_event_bus(Name=self.name)
        events.put_rule(Name="all", EventBusName=self.name, EventPattern='{"source": ["test"]}')
        config = client("lambda").get_function_configuration(FunctionName=function)
        target = {"Id": "function", "Arn": config["FunctionArn"]}
        events.put_targets(Rule="all", EventBusName=self.name, Targets=[target])

    def put(self, good: int) -> None:
        """An event that the function takes at the call that is told."""
        entry = {"Source": "test", "DetailType": "it", "Detail": json.dumps({"good": good})}
        self.client("events").put_events(Entries=[{**entry, "EventBusName": self.name}])

    def calls(self) -> int:
        return int(self.client("s3").list_objects_v2(Bucket=self.name)["KeyCount"])

    def left(self) -> list[Any]:
        found = self.client("sqs").receive_message(QueueUrl=self.letters).get("Messages", [])
        return [json.loads(message["Body"]) for message in found]


def test_a_function_that_fails_is_called_again_until_it_takes_the_event(client: Client) -> None:
    bus = Bus(client, may_leave=True)

    bus.put(good=3)

    assert eventually(lambda: bus.calls() == 3)
    assert bus.left() == []


def test_what_it_never_takes_is_left_with_the_reason(client: Client) -> None:
    bus = Bus(client, may_leave=True)

    bus.put(good=9)

    [letter] = eventually(bus.left)
    assert bus.calls() == 3
    assert letter["requestPayload"]["detail"] == {"good": 9}
    assert letter["responsePayload"]["errorMessage"] == "call 3"


def test_a_role_that_may_not_send_to_the_queue_leaves_nothing(
    client: Client, stage_home: Path
) -> None:
    bus = Bus(client, may_leave=False)

    bus.put(good=9)

    words = f"may not leave its failure at {bus.queue}"
    assert eventually(lambda: words in (stage_home / "logs/server.log").read_text())
    assert bus.calls() == 3
    assert bus.left() == []


def test_an_alarm_sees_how_many_messages_a_queue_has(client: Client) -> None:
    name = f"queue-{uuid.uuid4().hex[:8]}"
    queue = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": name}],
        Statistic="Maximum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )

    def state() -> str:
        [alarm] = client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(alarm["StateValue"])

    assert state() == "OK"
    client("sqs").send_message(QueueUrl=queue, MessageBody="one")
    assert state() == "ALARM"
    client("sqs").purge_queue(QueueUrl=queue)
    assert state() == "OK"
