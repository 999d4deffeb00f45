"""Time and calls of a tick of the planner: models with a year of history against new ones.

Both stages are in memory (moto): the time is the planner's own and the emulator's. A query of
moto's looks at every item of the table, which the year has more of, so the ratio of the two is an
upper bound; the calls are those of any stage. They tick in turn, and medians
are compared. In a quiet tick nothing is due; in a busy one every model is retrained, scored and
watched.

    python benchmarks/tick.py --models 50 --repeat 9
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import boto3
from botocore.client import BaseClient
from moto import mock_aws

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "functions" / "control"))
SHORT, YEAR = "short", "year"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SHA256 = "a" * 64
PLAN = """
retrain: {schedule: {cron: "0 6 1 * *", time_zone: Europe/Berlin}, on: [data, drift]}
batch: {schedule: {cron: "30 2 * * *", time_zone: Europe/Berlin}}
monitor: {schedule: {cron: "0 7 * * 1", time_zone: Europe/Berlin}}
budget: {usd_per_month: 1000}
"""
SETTINGS = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "STAGE": "local",
    "STACK_NAME": "bench",
    "EVENT_BUS": "default",
    "POWERTOOLS_TRACE_DISABLED": "true",
}


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """The calls to AWS, by operation."""
    calls: Counter[str] = Counter()
    client: Any = BaseClient  # through its private method goes every call
    original = client._make_api_call

    def make(self: Any, operation: str, parameters: Any) -> Any:
        calls[operation] += 1
        return original(self, operation, parameters)

    client._make_api_call = make
    try:
        yield calls
    finally:
        client._make_api_call = original


def deploy(name: str, models: int, days: int) -> None:
    """A stage of so many models in service, each with the records of so many days."""
    boto3.client("s3").create_bucket(Bucket=f"{name}-data")
    boto3.client("sqs").create_queue(QueueName=f"{name}-arrivals")
    boto3.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "model", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "model", "AttributeType": "S"},
            {"AttributeName": "item", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for workflow in ("retrain", "score", "monitor"):
        boto3.client("stepfunctions").create_state_machine(
            name=f"{name}-{workflow}",
            definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
            roleArn="arn:aws:iam::123456789012:role/bench",
        )
    example = (ROOT / "models" / "abalone" / "model.yaml").read_text()
    with boto3.resource("dynamodb").Table(name).batch_writer() as table:
        for number in range(models):
            model = f"model-{number}"
            text = example.replace("name: abalone", f"name: {model}") + PLAN
            key = f"definitions/{model}/{SHA256}/model.yaml"
            boto3.client("s3").put_object(Bucket=f"{name}-data", Key=key, Body=text.encode())
            for item in items(model, days):
                table.put_item(Item={"model": model, **item})


def items(model: str, days: int) -> Iterator[dict[str, Any]]:
    """A model's items: its definition and champion, and a record of each piece of work."""
    yield {"item": "definition", "sha256": SHA256}
    yield {"item": "champion", "release": 1}
    yield {"item": "release-number", "last": 1}
    yield {"item": "release#000001", "release": 1, "status": "PROMOTED", "approval": "manual"}
    yield {"item": "cost", "retrain_estimate_usd": 1}
    cost = json.dumps({"usd": 0.1, "executions": {"x": {"parts": list(range(40))}}})
    for day in range(days):
        at = NOW - timedelta(days=day)
        record = {"status": "SUCCEEDED", "closed_at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "cost": cost}
        yield {"item": f"batch#{model}-{at:%y%m%d%H%M%S}-abc", **record}
        if day % 7 == 0:
            yield {"item": f"monitoring#{model}-{at:%y%m%d%H%M%S}-abc", **record}
        if day % 30 == 0:
            yield {"item": f"run#{model}-{at:%y%m%d%H%M%S}-abc", **record}
            yield {"item": f"cost#{at:%Y-%m}", "usd": 1}


def tick(name: str, at: datetime) -> tuple[float, Counter[str], dict[str, Any]]:
    """The seconds of one tick of a stage, its calls, and what it did."""
    from core.plan.sources import Limits
    from core.plan.tick import tick as plan
    from core.stage.gateways import Stage

    machine = f"arn:aws:states:us-east-1:123456789012:stateMachine:{name}"
    queue = f"https://sqs.us-east-1.amazonaws.com/123456789012/{name}-arrivals"
    os.environ |= {
        "DATA_BUCKET": f"{name}-data",
        "MODEL_TABLE": name,
        "ARRIVALS_QUEUE_URL": queue,
        "RETRAIN_MACHINE_ARN": f"{machine}-retrain",
        "SCORE_MACHINE_ARN": f"{machine}-score",
        "MONITOR_MACHINE_ARN": f"{machine}-monitor",
    }
    limits = Limits(most_at_once=1000, approval_minutes=10080)
    with counted() as calls:
        began = time.perf_counter()
        done = plan(Stage(), limits, at, at)
        return time.perf_counter() - began, calls, done.document()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=9)
    options = parser.parse_args()
    os.environ |= SETTINGS
    with mock_aws():
        for name, days in ((SHORT, 1), (YEAR, 365)):
            deploy(name, options.models, days)
            tick(name, NOW)
        quiet: dict[str, list[float]] = {SHORT: [], YEAR: []}
        for number in range(options.repeat):
            for name, times in quiet.items():
                seconds, calls, done = tick(name, NOW + timedelta(minutes=5 * (number + 1)))
                assert not done["starts"], done["starts"]
                times.append(seconds)
        report("quiet", options.models, quiet, calls)
        # A week after the first of a month, with no tick in between: all three are due.
        busy: dict[str, list[float]] = {}
        for name in (SHORT, YEAR):
            seconds, calls, done = tick(name, datetime(2026, 12, 8, 7, tzinfo=UTC))
            assert len(done["started"]) == 3 * options.models, done["left"]
            busy[name] = [seconds]
        report("busy", options.models, busy, calls)


def report(what: str, models: int, times: dict[str, list[float]], calls: Counter[str]) -> None:
    short, year = (median(times[name]) for name in (SHORT, YEAR))
    listed = ", ".join(f"{count} {operation}" for operation, count in sorted(calls.items()))
    print(
        f"a {what} tick over {models} models: {year:.3f} s with a year of history, {short:.3f} s "
        f"without, ratio {year / short:.2f}; {sum(calls.values())} calls ({listed})"
    )


if __name__ == "__main__":
    main()
