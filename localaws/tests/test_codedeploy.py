"""Deployments of the local stage's CodeDeploy, from their start to their end."""

import json
import threading
from collections.abc import Iterator, Mapping

import pytest

from localaws.codedeploy.stage import CodeDeploy
from localaws.protocol.errors import ServiceError
from support.deploying import (
    NAMED,
    ROLE,
    Hook,
    Surroundings,
    answer,
    ended,
    lifecycle,
    make,
    refused,
    revision,
    start,
)
from support.waiting import eventually


@pytest.fixture
def around() -> Surroundings:
    return Surroundings()


@pytest.fixture
def codedeploy(around: Surroundings) -> CodeDeploy:
    return make(around)


def test_a_canary_gives_the_new_version_a_tenth_and_then_all(
    codedeploy: CodeDeploy, around: Surroundings
) -> None:
    deployment = start(codedeploy)

    info = ended(codedeploy, deployment)

    assert info["status"] == "Succeeded"
    assert info["completeTime"] - info["startTime"] >= around.pace
    assert around.routed == [("1", {"2": 0.1}), ("2", {})]
    assert lifecycle(codedeploy, deployment) == ["Skipped", "Succeeded", "Skipped"]
    assert around.states() == ["START", "SUCCESS"]


@pytest.mark.parametrize(
    ("config", "shares"),
    [
        ("CodeDeployDefault.LambdaAllAtOnce", []),
        ("CodeDeployDefault.LambdaLinear10PercentEvery1Minute", range(1, 10)),
    ],
)
def test_a_configuration_says_how_traffic_moves(
    codedeploy: CodeDeploy, around: Surroundings, config: str, shares: range
) -> None:
    ended(codedeploy, start(codedeploy, deploymentConfigName=config))

    expected = [("1", {"2": pytest.approx(share / 10)}) for share in shares]
    assert around.routed == [*expected, ("2", {})]


def test_hooks_decide_before_and_after_the_traffic(
    codedeploy: CodeDeploy, around: Surroundings
) -> None:
    around.hooks = {
        "before": answer(codedeploy, "Succeeded"),
        "after": answer(codedeploy, "Failed"),
    }
    hooks = revision(BeforeAllowTraffic="before", AfterAllowTraffic="after")

    deployment = start(codedeploy, revision=hooks)
    info = ended(codedeploy, deployment)

    assert lifecycle(codedeploy, deployment) == ["Succeeded", "Succeeded", "Failed"]
    assert info["status"] == "Failed"
    assert info["errorInformation"] == {
        "code": "HOOK_EXECUTION_FAILURE",
        "message": "The AfterAllowTraffic hook after answered Failed.",
    }
    assert around.routed[-1] == ("1", {})


@pytest.mark.parametrize(
    ("hook", "says"),
    [
        (lambda payload: "ValueError: wrong score", "failed: ValueError: wrong score"),
        (lambda payload: None, "did not answer within 0.6 seconds"),  # an hour at this pace
    ],
)
def test_a_hook_that_fails_or_keeps_silent_ends_the_deployment(
    codedeploy: CodeDeploy, around: Surroundings, hook: Hook, says: str
) -> None:
    around.hooks = {"before": hook}

    info = ended(codedeploy, start(codedeploy, revision=revision(BeforeAllowTraffic="before")))

    assert info["errorInformation"]["code"] == "HOOK_EXECUTION_FAILURE"
    assert says in info["errorInformation"]["message"]
    assert around.routed == [("1", {})]


def test_a_hook_answers_once_and_only_with_a_verdict(
    codedeploy: CodeDeploy, around: Surroundings
) -> None:
    codes: list[str] = []

    def hook(payload: Mapping[str, str]) -> None:
        named = {
            "deploymentId": payload["DeploymentId"],
            "lifecycleEventHookExecutionId": payload["LifecycleEventHookExecutionId"],
        }
        put = "PutLifecycleEventHookExecutionStatus"
        codes.append(refused(codedeploy, put, {**named, "status": "Skipped"}))
        other = {**named, "lifecycleEventHookExecutionId": "other", "status": "Failed"}
        codes.append(refused(codedeploy, put, other))
        codedeploy.call(put, {**named, "status": "Succeeded"})
        codes.append(refused(codedeploy, put, {**named, "status": "Failed"}))

    around.hooks = {"before": hook}
    info = ended(codedeploy, start(codedeploy, revision=revision(BeforeAllowTraffic="before")))

    assert info["status"] == "Succeeded"
    assert codes == [
        "InvalidLifecycleEventHookExecutionStatusException",
        "InvalidLifecycleEventHookExecutionIdException",
        "LifecycleEventAlreadyCompletedException",
    ]


@pytest.fixture
def shifting(codedeploy: CodeDeploy, around: Surroundings) -> Iterator[str]:
    """A deployment in the middle of a canary that would take long."""
    around.pace = 60
    around.alarm_states = {"errors": "OK"}
    alarms = {"enabled": True, "alarms": [{"name": "errors"}]}
    deployment = start(codedeploy, overrideAlarmConfiguration=alarms)
    eventually(lambda: around.routed, pause_seconds=0.01)
    yield deployment
    around.alarm_states["errors"] = "ALARM"
    ended(codedeploy, deployment)


def test_an_alarm_stops_the_shift_and_brings_the_old_version_back(
    codedeploy: CodeDeploy, around: Surroundings, shifting: str
) -> None:
    around.alarm_states["errors"] = "ALARM"

    info = ended(codedeploy, shifting)

    assert (info["status"], info["errorInformation"]["code"]) == ("Stopped", "ALARM_ACTIVE")
    assert info["errorInformation"]["message"].endswith("Activated alarms: errors")
    assert around.routed == [("1", {"2": 0.1}), ("1", {})]
    back = codedeploy.call(
        "GetDeployment", {"deploymentId": info["rollbackInfo"]["rollbackDeploymentId"]}
    )["deploymentInfo"]
    assert (back["creator"], back["status"]) == ("codeDeployRollback", "Succeeded")
    assert back["rollbackInfo"]["rollbackTriggeringDeploymentId"] == shifting
    assert around.states() == ["START", "STOP", "START", "SUCCESS"]


def test_an_alarm_that_is_on_already_lets_no_traffic_through(
    codedeploy: CodeDeploy, around: Surroundings
) -> None:
    around.alarm_states = {"errors": "ALARM"}
    alarms = {"enabled": True, "alarms": [{"name": "errors"}]}

    info = ended(codedeploy, start(codedeploy, overrideAlarmConfiguration=alarms))

    assert info["errorInformation"]["code"] == "ALARM_ACTIVE"
    assert around.routed == [("1", {})]


@pytest.mark.parametrize(("ignored", "status"), [(False, "Stopped"), (True, "Succeeded")])
def test_alarms_that_cannot_be_read_stop_it_unless_that_is_ignored(
    codedeploy: CodeDeploy, around: Surroundings, ignored: bool, status: str
) -> None:
    around.denied = {"cloudwatch:DescribeAlarms"}
    alarms = {"enabled": True, "ignorePollAlarmFailure": ignored, "alarms": [{"name": "errors"}]}

    assert (
        ended(codedeploy, start(codedeploy, overrideAlarmConfiguration=alarms))["status"] == status
    )


@pytest.mark.parametrize(("roll_back", "last"), [(None, "1"), (False, None)])
def test_it_can_be_stopped_with_or_without_a_rollback(
    codedeploy: CodeDeploy,
    around: Surroundings,
    shifting: str,
    roll_back: bool | None,
    last: str | None,
) -> None:
    request = {"deploymentId": shifting, "autoRollbackEnabled": roll_back}
    assert codedeploy.call("StopDeployment", request)["status"] == "Pending"

    info = ended(codedeploy, shifting)

    assert (info["status"], info["errorInformation"]["code"]) == ("Stopped", "MANUAL_STOP")
    assert around.routed[-1] == ((last, {}) if last else ("1", {"2": 0.1}))
    again = refused(codedeploy, "StopDeployment", request)
    assert again == "DeploymentAlreadyCompletedException"


def test_a_group_deploys_one_thing_at_a_time(codedeploy: CodeDeploy, shifting: str) -> None:
    request = {**NAMED, "revision": revision("3")}

    assert refused(codedeploy, "CreateDeployment", request) == "DeploymentLimitExceededException"


def test_an_alias_that_is_elsewhere_is_not_touched(
    codedeploy: CodeDeploy, around: Surroundings
) -> None:
    around.version = "7"
    config = {"enabled": False, "events": []}

    info = ended(codedeploy, start(codedeploy, autoRollbackConfiguration=config))

    assert info["errorInformation"]["code"] == "INVALID_LAMBDA_CONFIGURATION"
    assert around.routed == []


def test_a_role_that_may_not_move_the_alias_is_named(
    codedeploy: CodeDeploy, around: Surroundings
) -> None:
    around.denied = {"lambda:UpdateAlias"}

    info = ended(codedeploy, start(codedeploy))

    assert info["errorInformation"]["code"] == "IAM_ROLE_PERMISSIONS"
    assert ROLE in info["errorInformation"]["message"]
    assert "The rollback failed" in info["rollbackInfo"]["rollbackMessage"]


def test_what_ran_when_the_server_was_killed_is_undone_and_said(
    codedeploy: CodeDeploy, around: Surroundings, shifting: str
) -> None:
    kept = json.loads(json.dumps(codedeploy.get_state()))
    later = Surroundings()

    restarted = CodeDeploy(later.ports(), "us-east-1", "123456789012")
    restarted.load_persisted_state(kept)

    info = restarted.call("GetDeployment", {"deploymentId": shifting})["deploymentInfo"]
    assert later.restored == [("scorer", "live", "1")]
    assert info["status"] == "Stopped"
    assert "alias is back on version 1" in info["errorInformation"]["message"]
    assert lifecycle(restarted, shifting) == ["Skipped", "Unknown", "Skipped"]
    assert start(restarted, revision=revision("3"))


def test_two_starts_at_once_make_one_deployment(
    codedeploy: CodeDeploy, around: Surroundings
) -> None:
    around.pace = 0.5
    made: list[str] = []

    def try_one() -> None:
        try:
            made.append(start(codedeploy))
        except ServiceError as error:
            made.append(error.code)

    threads = [threading.Thread(target=try_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(made)[:3] == ["DeploymentLimitExceededException"] * 3
    ended(codedeploy, sorted(made)[3])
