"""Experiment records: there only where a tracking server is named, and no run depends on them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core.experiments.target import target_of
from tests.support.policy_decisions import may
from tests.support.translation import (
    MLFLOW,
    _holds,
    denied,
    granted,
    properties,
    resolve,
    resources,
    source,
    statements,
    whole,
)

SERVER = "https://mlflow.example.com"
GIVEN, SECRET = MLFLOW["MlflowAppArn"], MLFLOW["MlflowSecretArn"]
PARAMETERS = source()["Parameters"]
CONDITIONS = ("HasExperiments", "HasGivenMlflowApp", "HasMlflowApp", "HasMlflowSecret")
QUEUE = "arn:aws:sqs:us-east-1:123456789012:ExperimentsWaiting"


def conditions(**given: Any) -> set[str]:
    """Which of the conditions about experiment records hold."""
    defaults = {name: entry["Default"] for name, entry in PARAMETERS.items()}
    return {name for name in CONDITIONS if _holds({"Condition": name}, {**defaults, **given})}


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ({}, set()),
        ({"MlflowSecretArn": SECRET}, set()),
        ({"MlflowTracking": SERVER}, {"HasExperiments"}),
        (
            {"MlflowTracking": SERVER, "MlflowSecretArn": SECRET},
            {"HasExperiments", "HasMlflowSecret"},
        ),
        ({"MlflowAppArn": GIVEN}, {"HasExperiments", "HasGivenMlflowApp"}),
        # An App is asked with a signature, so nothing may read a secret.
        (
            {"MlflowAppArn": GIVEN, "MlflowSecretArn": SECRET},
            {"HasExperiments", "HasGivenMlflowApp"},
        ),
        # One place alone: the other App is not called.
        ({"MlflowAppArn": GIVEN, "MlflowTracking": SERVER}, {"HasExperiments"}),
        (
            {"MlflowAppArn": GIVEN, "MlflowTracking": "app"},
            {"HasExperiments", "HasMlflowApp"},
        ),
        ({"MlflowTracking": "app"}, {"HasExperiments", "HasMlflowApp"}),
        ({"MlflowTracking": "app", "Stage": "local"}, set()),
        ({"MlflowTracking": "http://127.0.0.1:5001", "Stage": "local"}, {"HasExperiments"}),
    ],
)
def test_a_stage_records_only_where_a_parameter_asks_for_it(
    given: dict[str, str], held: set[str]
) -> None:
    assert conditions(**given) == held


def test_all_that_experiment_records_need_is_behind_their_conditions() -> None:
    core = {
        name: entry.get("Condition")
        for name, entry in whole()["Resources"].items()
        if re.search("Experiment|Mlflow|RecordWith|RecordIn", name)
    }
    nested = {"MlflowAppRole", "MlflowApp", "RecordInAppPolicy"}
    others = {
        "Experiments": "HasMlflowApp",
        "RecordInGivenAppPolicy": "HasGivenMlflowApp",
        "RecordWithSecretPolicy": "HasMlflowSecret",
    }

    assert len(core) > 15
    for name, condition in core.items():
        assert condition == (None if name in nested else others.get(name, "HasExperiments")), name


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("", True),
        ("app", True),
        (SERVER, True),
        ("https://mlflow.example.com:8443/team-a/", True),
        ("http://127.0.0.1:5001", True),
        ("http://localhost:5001", True),
        ("http://mlflow.example.com", False),  # not encrypted
        ("https://ada:pw@mlflow.example.com", False),  # a password belongs into a secret
        ("https://mlflow.example.com/?token=x", False),
        ("https://mlflow.example.com/#/experiments", False),
        ("http://127.0.0.1:5001@evil.example.com", False),
        ("mlflow.example.com", False),
        ("file:///mlruns", False),
        (GIVEN, False),  # it has a parameter of its own
    ],
)
def test_the_parameter_takes_what_the_function_can_use_and_no_more(value: str, taken: bool) -> None:
    pattern = PARAMETERS["MlflowTracking"]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, value)) is taken
    if taken and value not in ("", "app"):
        assert target_of(value)


def test_the_function_knows_the_server_and_has_its_secret_by_name_alone() -> None:
    def variables(**given: str) -> dict[str, str]:
        found: dict[str, str] = properties("RecordExperimentFunction", **given)["Environment"][
            "Variables"
        ]
        return {name: found[name] for name in ("MLFLOW_TRACKING", "MLFLOW_SECRET_ARN")}

    assert variables(MlflowTracking=SERVER, MlflowSecretArn=SECRET) == {
        "MLFLOW_TRACKING": SERVER,
        "MLFLOW_SECRET_ARN": SECRET,
    }
    assert variables() == {"MLFLOW_TRACKING": GIVEN, "MLFLOW_SECRET_ARN": ""}
    assert variables(MlflowTracking="app", MlflowSecretArn=SECRET) == {
        "MLFLOW_TRACKING": "Experiments.Outputs.MlflowAppArn",
        "MLFLOW_SECRET_ARN": "",
    }


def test_it_reads_one_secret_and_calls_the_apps_of_the_stage_alone() -> None:
    role = "RecordExperimentRole"

    assert may(role, "secretsmanager:GetSecretValue", SECRET)
    assert not may(role, "secretsmanager:GetSecretValue", SECRET.replace("mlflow", "crm"))
    assert may(role, "sagemaker:CallMlflowAppApi", GIVEN)
    assert not may(role, "sagemaker:CallMlflowAppApi", GIVEN.replace("given", "other"))


def test_it_writes_nothing_of_a_run_or_a_release() -> None:
    acts = {action for one in granted("RecordExperimentRole") for action in one["Action"]}
    writes = {one for one in acts if re.search("Put|Update|Delete|Send|Call", one)}

    assert writes - {"logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"} == {
        "dynamodb:UpdateItem",  # in its own partitions: test_conditions.py
        "sagemaker:CallMlflowAppApi",
        *("sqs:DeleteMessage", "sqs:SendMessage"),
    }


def test_the_app_registers_no_model_and_keeps_to_its_folder() -> None:
    [app] = resources("AWS::SageMaker::MlflowApp").values()
    found = resolve(app["Properties"])

    assert found["ModelRegistrationMode"] == "AutoModelRegistrationDisabled"
    assert found["ArtifactStoreUri"] == "s3://DataBucket/mlflow"
    assert denied("MlflowAppRole") == []
    reached = {name for one in granted("MlflowAppRole") for name in one["Resource"]}
    assert reached == {"arn:aws:s3:::DataBucket", "arn:aws:s3:::DataBucket/mlflow/*"}


def test_what_cannot_be_recorded_waits_for_days_and_then_there_is_an_alarm() -> None:
    rules = [
        resolve(rule["Properties"])
        for name, rule in resources("AWS::Events::Rule").items()
        if name.startswith("RecordExperimentFunction")
    ]
    [failing] = [
        resolve(one["Properties"])
        for one in resources("AWS::Lambda::EventInvokeConfig").values()
        if one["Properties"]["FunctionName"] == {"Ref": "RecordExperimentFunction"}
    ]
    queue = properties("ExperimentsWaiting")
    schedule = properties("RecordExperimentFunctionTryAgain")
    function = properties("RecordExperimentFunction")

    assert len(rules) == 2
    assert all(one["Targets"][0]["DeadLetterConfig"] == {"Arn": QUEUE} for one in rules)
    assert failing["DestinationConfig"] == {"OnFailure": {"Destination": QUEUE}}
    # A message is taken once by each call of the schedule.
    assert schedule["ScheduleExpression"] == "rate(15 minutes)"
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 3 * 24 * 4
    assert function["Timeout"] < queue["VisibilityTimeout"] < 15 * 60
    # Whatever keeps an event from being recorded, also a server or a secret of no use.
    alarm = properties("ExperimentsWaitingAlarm")
    assert alarm["MetricName"] == "ApproximateAgeOfOldestMessage"
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (24 * 60 * 60, 1)
    assert alarm["AlarmActions"] == ["arn:aws:sns:us-east-1:123456789012:NotificationsTopic"]
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": "ExperimentsWaiting.QueueName"}]


def test_it_is_told_what_became_of_runs_releases_and_monitorings() -> None:
    found = resources("AWS::Events::Rule")
    facts = resolve(found["RecordExperimentFunctionFact"]["Properties"])
    ended = resolve(found["RecordExperimentFunctionMonitoringEnded"]["Properties"])

    assert facts["EventBusName"] == "EventBus"
    assert facts["EventPattern"] == {
        "source": ["kanmon"],
        "detail-type": [
            *("run failed", "run stopped", "job could not start", "candidate registered"),
            {"prefix": "release "},
        ],
    }
    assert ended["EventPattern"]["detail"] == {
        "stateMachineArn": [
            "arn:aws:states:us-east-1:123456789012:stateMachine:kanmon-test-monitor"
        ],
        "status": ["SUCCEEDED"],
    }


def test_the_queues_policy_names_both_rules() -> None:
    policy = resources("AWS::SQS::QueuePolicy")["ExperimentsWaitingPolicy"]["Properties"]
    deny, allow = statements(policy["PolicyDocument"])

    assert deny["Effect"] == "Deny"
    assert len(allow["Condition"]["ArnEquals"]["aws:SourceArn"]) == 2
