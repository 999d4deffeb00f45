"""Alarms: metric math as rules, and alarms that are really evaluated on a stage."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.alarms import expressions, states
from localaws.alarms.expressions import ExpressionError, Series
from support.making import Client
from support.waiting import eventually

KNOWN: dict[str, Series] = {
    "errors": [0.0, 2.0, None, 4.0],
    "calls": [10.0, 10.0, 10.0, 0.0],
    "none": [None, None, None, None],
}


def value(expression: str) -> Any:
    return expressions.evaluate(expressions.parse(expression), KNOWN)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 9 - 4 / 2", 17),
        ("-(1 - 4)", 3),
        ("errors * 100", [0, 200, None, 400]),
        ("errors / calls", [0, 0.2, None, None]),  # nothing is divided by zero
        ("FILL(errors, 0) / calls", [0, 0.2, 0, None]),
        ("FILL(none, 0)", [0, 0, 0, 0]),
        ("errors > 1 AND calls >= 10", [0, 1, None, 0]),
        ("errors <= 2 AND calls < 11", [1, 1, None, 0]),
        ("IF(calls > 0, errors / calls, 0)", [0, 0.2, None, 0]),
        ("IF(errors > 3, calls)", [None, None, None, 0]),
        ("ABS(errors - calls)", [10, 8, None, 4]),
    ],
)
def test_an_expression_has_the_value_it_has_in_cloudwatch(expression: str, expected: Any) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("SEARCH('{AWS/Lambda}', 'Sum')", "unexpected"),
        ("ANOMALY_DETECTION_BAND(m1)", "does not have the function ANOMALY_DETECTION_BAND"),
        ("1 +", "ends too soon"),
        ("ABS(1, 2)", "ABS does not take 2 arguments"),
        ("SUM(METRICS())", "does not have the function SUM"),
        ("m1 OR m2", "unexpected 'OR'"),
        ("(m1", "ends too soon"),
        ("m1 m2", "unexpected 'm2'"),
        ("M1", "unexpected 'M1'"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(expression: str, says: str) -> None:
    with pytest.raises(ExpressionError, match=says):
        expressions.parse(expression)


@pytest.mark.parametrize(
    ("points", "treated", "expected"),
    [
        ([1.0, 9.0, 9.0], "missing", "ALARM"),
        ([1.0, 1.0, 9.0], "missing", "OK"),
        ([None, 9.0, None], "breaching", "ALARM"),
        ([None, 9.0, None], "notBreaching", "OK"),
        ([None, None, None], "notBreaching", "OK"),
        ([None, None, None], "breaching", "ALARM"),
        ([None, None, None], "missing", "INSUFFICIENT_DATA"),
        ([None, None, None], "ignore", None),  # as it was
    ],
)
def test_datapoints_give_the_state(points: Series, treated: str, expected: str | None) -> None:
    alarm = {
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 5,
        "DatapointsToAlarm": 2,
        "TreatMissingData": treated,
    }

    assert states.state(alarm, points)[0] == expected


def metric(name: str, space: str, statistic: str = "Sum", **dimensions: str) -> dict[str, Any]:
    named = [{"Name": key, "Value": dimension} for key, dimension in dimensions.items()]
    return {
        "Id": name,
        "ReturnData": False,
        "MetricStat": {
            "Metric": {"Namespace": space, "MetricName": name, "Dimensions": named},
            "Period": 60,
            "Stat": statistic,
        },
    }


@pytest.fixture
def space(client: Client) -> str:
    """A namespace of metrics of one's own."""
    return f"Test{uuid.uuid4().hex[:8]}"


def put_alarm(client: Client, space: str, *metrics: dict[str, Any], **settings: Any) -> str:
    client("cloudwatch").put_metric_alarm(
        **{
            "AlarmName": space,
            "Metrics": list(metrics),
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0.2,
            "EvaluationPeriods": 1,
            **settings,
        }
    )
    return space


def state(client: Client, name: str) -> str:
    [alarm] = client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(alarm["StateValue"])


def put(client: Client, space: str, name: str, number: float, **dimensions: str) -> None:
    data = [datum(name, number, **dimensions)]
    client("cloudwatch").put_metric_data(Namespace=space, MetricData=data)


def datum(name: str, number: float, **dimensions: str) -> dict[str, Any]:
    named = [{"Name": key, "Value": dimension} for key, dimension in dimensions.items()]
    return {"MetricName": name, "Value": number, "Dimensions": named}


RATE = {"Id": "rate", "Expression": "IF(FILL(calls, 0) > 0, FILL(errors, 0) / calls, 0)"}


def test_an_alarm_on_metric_math_follows_its_metrics(client: Client, space: str) -> None:
    name = put_alarm(
        client, space, RATE, metric("errors", space, fn="f"), metric("calls", space, fn="f")
    )
    assert state(client, name) == "OK"

    put(client, space, "calls", 10, fn="f")
    put(client, space, "errors", 10, fn="other")  # another series of the same metric
    assert state(client, name) == "OK"

    both = [datum("calls", 10, fn="f"), datum("errors", 10, fn="f")]  # of the same period
    client("cloudwatch").put_metric_data(Namespace=space, MetricData=both)
    assert state(client, name) == "ALARM"

    eventually(lambda: state(client, name) == "OK")  # its period has passed
    history = client("cloudwatch").describe_alarm_history(AlarmName=name)["AlarmHistoryItems"]
    summaries = [entry["HistorySummary"] for entry in history]
    assert "Alarm updated from OK to ALARM" in summaries


def test_a_simple_alarm_looks_at_its_own_dimensions_and_statistic(
    client: Client, space: str
) -> None:
    client("cloudwatch").put_metric_alarm(
        AlarmName=space,
        Namespace=space,
        MetricName="latency",
        Dimensions=[{"Name": "model", "Value": "a"}],
        ExtendedStatistic="p90",
        Period=60,
        EvaluationPeriods=1,
        Threshold=100,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )

    put(client, space, "latency", 500, model="b")
    for number in (1, 1, 90):
        put(client, space, "latency", number, model="a")
    assert state(client, space) == "OK"

    put(client, space, "latency", 500, model="a")
    assert state(client, space) == "ALARM"


def test_a_state_that_is_set_stays_until_the_next_evaluation(client: Client, space: str) -> None:
    name = put_alarm(client, space, metric("errors", space) | {"ReturnData": True})

    client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")

    assert state(client, name) == "ALARM"
    eventually(lambda: state(client, name) == "INSUFFICIENT_DATA")


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        (
            [{"Id": "e", "Expression": "RATE(m)"}, metric("m", "N")],
            "does not have the function RATE",
        ),
        ([{"Id": "e", "Expression": "x + 1"}, metric("m", "N")], "there is no x"),
        ([metric("m", "N")], "exactly one must have ReturnData true"),
        ([metric("m", "N", "IQM") | {"ReturnData": True}], "does not have the statistic IQM"),
        (
            [
                {"Id": "a", "Expression": "b"},
                {"Id": "b", "Expression": "a", "ReturnData": False},
                metric("m", "N"),
            ],
            "refer to each other",
        ),
    ],
)
def test_an_alarm_that_could_never_be_evaluated_is_not_made(
    client: Client, space: str, metrics: list[dict[str, Any]], says: str
) -> None:
    with pytest.raises(ClientError, match=says):
        put_alarm(client, space, *metrics)


def test_a_template_may_have_alarms_on_metric_math(client: Client, space: str) -> None:
    cloudformation = client("cloudformation")
    query = {"Metric": {"Namespace": space, "MetricName": "errors"}, "Period": 60, "Stat": "Sum"}
    for expression, status in (("FILL(m, 0)", "CREATE_COMPLETE"), ("NO(m)", "ROLLBACK_COMPLETE")):
        name = f"{space}-{status[0]}"
        alarm = {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "Metrics": [
                    {"Id": "e", "Expression": expression},
                    {"Id": "m", "ReturnData": "false", "MetricStat": query},
                ],
                "ComparisonOperator": "GreaterThanThreshold",
                "Threshold": 0,
                "EvaluationPeriods": 1,
            },
        }

        cloudformation.create_stack(
            StackName=name, TemplateBody=json.dumps({"Resources": {"Alarm": alarm}})
        )

        def ended(name: str = name) -> str | None:
            found = str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
            return None if found.endswith("_IN_PROGRESS") else found

        assert eventually(ended) == status
