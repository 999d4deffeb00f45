"""What the stack's alarms watch, and whom they reach."""

import pytest

from tests.support.translation import (
    control_functions,
    properties,
    resolve,
    resources,
    statements,
    step_functions,
    translated,
)

ALARMS = resources("AWS::CloudWatch::Alarm")
# What fails is a fact, and mailed as one.
REPORTED = {"RetrainFailedAlarm", "ScoreFailedAlarm", "MonitorFailedAlarm", "ReleaseFailedAlarm"}
HAVE_DEAD_LETTERS = {"SendMailFunction", "SendChatFunction", "RecordExperimentFunction"}
ONLY_IN_WORKFLOWS = {
    "OpenRunFunction",
    "TakeSnapshotFunction",
    "HashRowsFunction",  # called by Take Snapshot
    "JudgeCandidateFunction",
    "CloseRunFunction",
    "OpenReleaseFunction",
    "OpenBatchFunction",
    "OpenMonitoringFunction",
    *step_functions(),
}


# tests/template/test_experiments.py has the one that gives a tracking server a day.
LATER = {"PlanMissedAlarm", "ExperimentsWaitingAlarm"}


@pytest.mark.parametrize("name", sorted(ALARMS.keys() - LATER))
def test_alarms_turn_at_the_first_failure_and_mail_what_no_fact_says(name: str) -> None:
    alarm = properties(name)

    topic = ["arn:aws:sns:us-east-1:123456789012:NotificationsTopic"]
    assert alarm.get("AlarmActions", []) == ([] if name in REPORTED else topic)
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (0, 1)
    assert alarm["TreatMissingData"] == "notBreaching"


def test_an_alarm_tells_of_this_stages_releases_that_fail() -> None:
    alarm = properties("ReleaseFailedAlarm")
    variables = resolve(translated()["Resources"]["CloseReleaseFunction"]["Properties"])

    assert (alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"]) == (
        "Kanmon",
        "ReleasesFailed",
        [{"Name": "service", "Value": "kanmon-test"}],
    )
    named = variables["Environment"]["Variables"]
    assert named["POWERTOOLS_METRICS_NAMESPACE"] == alarm["Namespace"]
    assert named["POWERTOOLS_SERVICE_NAME"] == alarm["Dimensions"][0]["Value"]


@pytest.mark.parametrize("name", ALARMS)
def test_no_alarm_has_more_metrics_than_cloudwatch_takes(name: str) -> None:
    metrics = [one for one in properties(name).get("Metrics", []) if "MetricStat" in one]

    assert len(metrics) <= 10


def test_alarms_watch_how_runs_end_by_themselves_and_every_function() -> None:
    def watched(alarm: str) -> set[tuple[str, str]]:
        stats = [metric["MetricStat"] for metric in properties(alarm)["Metrics"][1:]]
        return {
            (stat["Metric"]["MetricName"], stat["Metric"]["Dimensions"][0]["Value"])
            for stat in stats
        }

    for workflow in ("Retrain", "Score", "Monitor"):
        machine = f"arn:aws:states:us-east-1:123456789012:stateMachine:{workflow}StateMachine"
        assert watched(f"{workflow}FailedAlarm") == {
            ("ExecutionsFailed", machine),
            ("ExecutionsTimedOut", machine),  # one that is aborted was stopped on purpose
        }
    # What ends in dead letters has their alarm, and what only a workflow calls ends in a fact.
    others = control_functions().keys() - HAVE_DEAD_LETTERS - ONLY_IN_WORKFLOWS
    called_by_events = {
        properties(name)["FunctionName"].partition(".")[0]
        for name in resources("AWS::Lambda::Permission")
    }
    assert not called_by_events & ONLY_IN_WORKFLOWS
    assert watched("EventsGivenUpAlarm") == {("AsyncEventsDropped", name) for name in others}


def test_alarms_may_publish_and_their_names_are_those_the_topic_expects() -> None:
    policy = resources("AWS::SNS::TopicPolicy")["NotificationsTopicPolicy"]
    deny, allow = statements(policy["Properties"]["PolicyDocument"])
    allowed = allow["Condition"]["ArnLike"]["aws:SourceArn"].split(":")[-1]

    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert allow["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    for name in ALARMS:
        assert properties(name)["AlarmName"].startswith(allowed.removesuffix("*"))
