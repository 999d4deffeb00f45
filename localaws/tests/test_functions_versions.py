"""Versions, aliases that divide traffic, and what an invocation leaves in metrics."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.making import Client, invoke, make_function, package

WHO = """
import os
def handler(event, context):
    if event == "fail":
        raise ValueError("asked for")
    return [STEP, context.function_version, os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
            context.invoked_function_arn.partition(":function:")[2].partition(":")[2]]
"""


def write(step: str) -> str:
    return f"STEP = {step!r}\n{WHO}"


@pytest.fixture(scope="module")
def divided(client: Client) -> str:
    """A function of two versions whose alias `live` gives each half of the traffic."""
    lambda_ = client("lambda")
    name = make_function(client, write("one"))
    lambda_.publish_version(FunctionName=name)
    lambda_.update_function_code(FunctionName=name, ZipFile=package(write("two")))
    lambda_.publish_version(FunctionName=name)
    lambda_.create_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )
    return name


def call(client: Client, name: str, qualifier: str, event: object = None) -> tuple[Any, str]:
    answer = client("lambda").invoke(
        FunctionName=name, Qualifier=qualifier, Payload=json.dumps(event)
    )
    return json.loads(answer["Payload"].read()), answer["ExecutedVersion"]


def total(client: Client, metric: str, **dimensions: str) -> float:
    now = datetime.now(UTC)
    found = client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in found))


def test_a_version_keeps_the_code_it_was_made_from(client: Client, divided: str) -> None:
    assert call(client, divided, "1") == (["one", "1", "1", "1"], "1")
    assert call(client, divided, "2") == (["two", "2", "2", "2"], "2")
    assert invoke(client, divided)[0] == ["two", "$LATEST", "$LATEST", ""]


def test_a_version_like_the_last_one_is_not_published(client: Client) -> None:
    """Also not after the function was another one for a while: what it is now is compared."""
    lambda_ = client("lambda")
    name = make_function(client, write("one"))
    first = lambda_.publish_version(FunctionName=name)["Version"]
    for step in ("two", "one"):
        lambda_.update_function_code(FunctionName=name, ZipFile=package(write(step)))

    again = lambda_.publish_version(FunctionName=name)["Version"]
    settings = {"Environment": {"Variables": {"ATTEMPT": "2"}}}
    lambda_.update_function_configuration(FunctionName=name, **settings)
    other = lambda_.publish_version(FunctionName=name)["Version"]

    assert (first, again, other) == ("1", "1", "2")


def test_an_alias_divides_its_traffic_and_each_answer_says_its_version(
    client: Client, divided: str
) -> None:
    answers = [call(client, divided, "live") for _ in range(30)]

    assert {version for _, version in answers} == {"1", "2"}
    assert {json.dumps(answer) for answer, _ in answers} == {
        '["one", "1", "1", "live"]',
        '["two", "2", "2", "live"]',
    }


def test_each_version_of_an_alias_has_metrics_of_its_own(client: Client, divided: str) -> None:
    resource = f"{divided}:live"
    before = total(client, "Errors", FunctionName=divided, Resource=resource)

    failed = Counter(call(client, divided, "live", "fail")[1] for _ in range(10))

    assert before == 0
    assert total(client, "Errors", FunctionName=divided, Resource=resource) == 10
    for version in ("1", "2"):
        dimensions = {"FunctionName": divided, "Resource": resource, "ExecutedVersion": version}
        assert total(client, "Errors", **dimensions) == failed[version]


@pytest.mark.parametrize(
    ("version", "weights", "code"),
    [
        ("9", {}, "ResourceNotFoundException"),
        ("1", {"9": 0.5}, "ResourceNotFoundException"),
        ("1", {"1": 0.5}, "InvalidParameterValueException"),
        ("1", {"2": 1.5}, "InvalidParameterValueException"),
        ("$LATEST", {"2": 0.5}, "InvalidParameterValueException"),
    ],
)
def test_an_alias_of_what_is_not_there_is_refused(
    client: Client, divided: str, version: str, weights: dict[str, float], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        client("lambda").update_alias(
            FunctionName=divided,
            Name="live",
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights},
        )

    assert refused.value.response["Error"]["Code"] == code


def test_reserved_concurrency_holds_for_every_version_together(
    client: Client, divided: str
) -> None:
    lambda_ = client("lambda")
    lambda_.put_function_concurrency(FunctionName=divided, ReservedConcurrentExecutions=0)
    try:
        with pytest.raises(lambda_.exceptions.TooManyRequestsException):
            call(client, divided, "1")
    finally:
        lambda_.put_function_concurrency(FunctionName=divided, ReservedConcurrentExecutions=2)
    assert call(client, divided, "1")[1] == "1"


def test_metrics_in_log_lines_become_metrics(client: Client) -> None:
    source = """
import json, time
def handler(event, context):
    print(json.dumps({
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [
            {"Namespace": "Test", "Dimensions": [["model"], ["model", "release"], ["none"]],
             "Metrics": [{"Name": "Score", "Unit": "None"}]}]},
        "model": "abalone", "release": 7, "Score": [1, 2, 2, 7]}))
"""
    name = make_function(client, source)

    invoke(client, name)

    now = datetime.now(UTC)
    model, release = ({"Name": "model", "Value": "abalone"}, {"Name": "release", "Value": "7"})
    for dimensions in ([model], [model, release]):
        [point] = client("cloudwatch").get_metric_statistics(
            Namespace="Test",
            MetricName="Score",
            Dimensions=dimensions,
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum", "SampleCount", "Maximum"],
        )["Datapoints"]
        assert (point["Sum"], point["SampleCount"], point["Maximum"]) == (12, 4, 7)
