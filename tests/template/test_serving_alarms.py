"""The alarms of a model in production: what data sets them off while a release takes over."""

from collections.abc import Mapping, Sequence
from statistics import fmean, quantiles
from typing import Any

import pytest

from localaws.alarms import states
from tests.support.serving_template import GIVEN, resources

ALARMS = resources("AWS::CloudWatch::Alarm")
NEW, BEFORE = "7", "6"
LIMIT = 500  # ms, the template's default
# 0.5 standard deviations of scores that spread by 0.25.
SHIFT = 0.125

# A minute's numbers by the release they come from.
Minute = Mapping[str, Sequence[float]]


def state(alarm: str, minute: Minute) -> str | None:
    """The state after one minute, in which the alarm's metric had these numbers."""
    properties = ALARMS[alarm]
    assert (properties["EvaluationPeriods"], properties["TreatMissingData"]) == (1, "notBreaching")
    points = states.datapoints(properties["Metrics"], lambda query: [_figure(query, minute)])
    return states.state(properties, points)[0]


def _figure(query: Mapping[str, Any], minute: Minute) -> float | None:
    """What CloudWatch makes of a minute's numbers; nothing of none, not even their count."""
    stat = query["MetricStat"]
    model, release = stat["Metric"]["Dimensions"]
    assert (stat["Metric"]["Namespace"], stat["Period"]) == ("Kanmon", 60)
    assert (model, release["Name"]) == ({"Name": "model", "Value": "shells"}, "release")
    numbers = minute.get(release["Value"], ())
    if not numbers:
        return None
    if stat["Stat"] == "p99":
        return quantiles(numbers, n=100, method="inclusive")[-1]
    return {"Average": fmean(numbers), "SampleCount": float(len(numbers))}[stat["Stat"]]


def metrics(alarm: str) -> set[str]:
    return {
        query["MetricStat"]["Metric"]["MetricName"]
        for query in ALARMS[alarm]["Metrics"]
        if "MetricStat" in query
    }


# What they turn for is a fact, and mailed as one: a release that is rolled back, or a drift.
REPORTED = {"ErrorsAlarm", "LatencyAlarm", "ScoreShiftAlarm", "MonitorAlarm"}


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_mails_what_no_fact_says(alarm: str) -> None:
    mailed = ALARMS[alarm].get("AlarmActions", [])

    assert mailed == ([] if alarm in REPORTED else [GIVEN["NotificationsTopicArn"]])


def test_the_error_alarm_sees_the_new_version_alone() -> None:
    [version] = resources("AWS::Lambda::Version")
    alarm = ALARMS["ErrorsAlarm"]

    assert alarm["Dimensions"] == [
        {"Name": "FunctionName", "Value": "ScoringFunction"},
        {"Name": "Resource", "Value": "ScoringFunction:live"},
        {"Name": "ExecutedVersion", "Value": f"{version}.Version"},
    ]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Sum", 60, 1)


@pytest.mark.parametrize(("errors", "expected"), [(1.0, "ALARM"), (0.0, "OK"), (None, "OK")])
def test_one_error_of_the_new_version_is_enough(errors: float | None, expected: str) -> None:
    assert states.state(ALARMS["ErrorsAlarm"], [errors])[0] == expected


SOME = [20.0] * 180  # what the release before answers meanwhile, in ms


@pytest.mark.parametrize(
    ("minute", "expected"),
    [
        ({NEW: [LIMIT + 1.0] * 20, BEFORE: SOME}, "ALARM"),
        ({NEW: [LIMIT + 1.0] * 19, BEFORE: SOME}, "OK"),  # too few to have a slowest hundredth
        ({NEW: [LIMIT] * 20, BEFORE: SOME}, "OK"),
        ({NEW: [20.0] * 980 + [LIMIT + 1.0] * 20, BEFORE: SOME}, "ALARM"),
        ({NEW: [20.0] * 995 + [LIMIT + 1.0] * 5, BEFORE: SOME}, "OK"),  # rarer than a hundredth
        ({NEW: SOME, BEFORE: [LIMIT + 1.0] * 20}, "OK"),  # the one that goes is slow
        ({BEFORE: [LIMIT + 1.0] * 20}, "OK"),
        ({}, "OK"),
    ],
)
def test_the_slowest_hundredth_of_enough_requests_undoes_a_take_over(
    minute: Minute, expected: str
) -> None:
    assert metrics("LatencyAlarm") == {"HandlerMilliseconds"}
    assert state("LatencyAlarm", minute) == expected


LOW, HIGH, NEAR = 0.4, 0.4 + SHIFT + 0.01, 0.4 + SHIFT - 0.01


@pytest.mark.parametrize(
    ("minute", "expected"),
    [
        ({NEW: [HIGH] * 50, BEFORE: [LOW] * 50}, "ALARM"),
        ({NEW: [LOW] * 50, BEFORE: [HIGH] * 50}, "ALARM"),
        ({NEW: [NEAR] * 50, BEFORE: [LOW] * 50}, "OK"),
        ({NEW: [LOW] * 50, BEFORE: [NEAR] * 50}, "OK"),
        ({NEW: [HIGH] * 49, BEFORE: [LOW] * 500}, "OK"),  # few scores say little of their mean
        ({NEW: [HIGH] * 500, BEFORE: [LOW] * 49}, "OK"),
        ({NEW: [0.0, 2 * LOW] * 25, BEFORE: [LOW] * 50}, "OK"),  # spread out around the same mean
        ({NEW: [HIGH] * 50}, "OK"),
        ({BEFORE: [LOW] * 50}, "OK"),
        ({}, "OK"),
    ],
)
def test_a_mean_score_far_from_the_release_before_undoes_a_take_over(
    minute: Minute, expected: str
) -> None:
    assert metrics("ScoreShiftAlarm") == {"Score"}
    assert state("ScoreShiftAlarm", minute) == expected


@pytest.mark.parametrize("alarm", ["LatencyAlarm", "ScoreShiftAlarm"])
def test_a_release_that_answers_alone_raises_no_alarm_that_would_block_its_rollback(
    alarm: str,
) -> None:
    assert state(alarm, {NEW: [1e6] * 1000}) == "OK"


STEADY = ("ServiceErrorsAlarm", "ServiceThrottlesAlarm", "ServiceLatencyAlarm")


@pytest.mark.parametrize("alarm", STEADY)
def test_the_model_in_service_is_watched_by_one_metric_of_all_its_versions(alarm: str) -> None:
    properties = ALARMS[alarm]
    [*_, last] = properties["Dimensions"]

    assert "Metrics" not in properties  # each metric of an alarm is paid for
    assert last["Name"] in ("Resource", "release")
    assert (properties["Period"], properties["EvaluationPeriods"]) == (300, 3)


@pytest.mark.parametrize(
    ("alarm", "points", "expected"),
    [
        ("ServiceErrorsAlarm", [0.0, 1.0, 0.0], "OK"),  # one bad period passes
        ("ServiceErrorsAlarm", [2.0, None, 1.0], "ALARM"),
        ("ServiceErrorsAlarm", [None, None, None], "OK"),
        ("ServiceThrottlesAlarm", [4.0, 0.0, 4.0], "ALARM"),
        ("ServiceThrottlesAlarm", [0.0, 0.0, 4.0], "OK"),
        ("ServiceLatencyAlarm", [LIMIT + 1.0] * 3, "ALARM"),
        ("ServiceLatencyAlarm", [LIMIT + 1.0, LIMIT + 1.0, 20.0], "OK"),
        ("MonitorAlarm", [3.0], "ALARM"),
        ("MonitorAlarm", [0.0], "OK"),
        ("MonitorAlarm", [None], None),  # between two monitorings it stays as it was
    ],
)
def test_what_sets_a_steady_alarm_off(
    alarm: str, points: list[float | None], expected: str | None
) -> None:
    assert states.state(ALARMS[alarm], points)[0] == expected


def test_the_alarm_of_monitorings_watches_this_stages_model_alone() -> None:
    alarm = ALARMS["MonitorAlarm"]

    assert (alarm["Namespace"], alarm["MetricName"]) == ("Kanmon", "MonitorAlarms")
    [model, service] = alarm["Dimensions"]
    assert model == {"Name": "model", "Value": "shells"}
    [first, split] = service["Value"]["Fn::Select"]
    between, stack = split["Fn::Split"]
    assert (service["Name"], stack.split(between)[first]) == ("service", "kanmon-test")
