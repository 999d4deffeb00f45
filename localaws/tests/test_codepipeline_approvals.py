"""Approvals: who decides, when it counts, and that it counts once."""

import json
import threading
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from localaws.codepipeline.account import Acting, ActionError
from localaws.codepipeline.approvals import ManualApproval, NoticeError, seconds_open
from localaws.codepipeline.cloud import Topics
from localaws.codepipeline.jobs import Jobs
from localaws.protocol.errors import ServiceError
from support.codepipeline_bench import NAME, NAMES, ROLE, Bench, reviewed, task

PERSON = "arn:aws:sts::123456789012:assumed-role/approver/ada"
OTHER_TOKEN = "00000000-0000-0000-0000-000000000000"
INVALID, DECIDED = "InvalidApprovalTokenException", "ApprovalAlreadyCompletedException"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def refusal(bench: Bench, token: str, **more: str) -> str:
    with pytest.raises(ServiceError) as raised:
        bench.answer(token, **more)
    return raised.value.code


@pytest.mark.parametrize("mode", ["PARALLEL", "QUEUED"])
def test_an_approval_lets_the_execution_go_on(bench: Bench, mode: str):
    bench.create(reviewed(mode))
    identity = bench.start()
    token = bench.waits(identity)
    bench.identity = PERSON

    answer = bench.answer(token)

    assert bench.ends(identity) == "Succeeded"
    run = bench.actions(identity)["Approve"]
    assert (run["status"], run["updatedBy"]) == ("Succeeded", PERSON)
    result = run["output"]["executionResult"]
    assert result["externalExecutionSummary"] == "looked at it"
    assert answer["approvedAt"] >= run["startTime"]
    assert ("Approve", "SUCCEEDED") in bench.told("Action")


def test_the_token_is_told_where_aws_tells_it(bench: Bench):
    bench.create(reviewed("QUEUED"))
    identity = bench.start()
    token = bench.waits(identity)

    assert bench.actions(identity)["Approve"]["output"]["executionResult"] == {}
    (state,) = bench.stage("Review")["actionStates"]
    assert state["latestExecution"]["token"] == token
    bench.answer(token)
    (state,) = bench.stage("Review")["actionStates"]
    assert "token" not in state["latestExecution"]
    assert state["latestExecution"]["summary"] == "looked at it"


def test_a_rejection_ends_the_execution(bench: Bench):
    bench.create(reviewed())
    identity = bench.start()
    bench.identity = PERSON

    bench.answer(bench.waits(identity), "Rejected")

    assert bench.ends(identity) == "Failed"
    run = bench.actions(identity)["Approve"]
    assert (run["status"], run["updatedBy"]) == ("Failed", PERSON)
    assert run["output"]["executionResult"]["externalExecutionSummary"] == "looked at it"
    assert "record" not in bench.actions(identity)


def test_an_approval_is_decided_once(bench: Bench):
    bench.create(reviewed())
    identity = bench.start()
    token = bench.waits(identity)
    bench.answer(token)

    assert refusal(bench, token) == DECIDED
    assert refusal(bench, token, status="Rejected") == DECIDED
    assert bench.ends(identity) == "Succeeded"


def test_of_two_answers_at_once_exactly_one_counts(bench: Bench):
    bench.create(reviewed())
    identity = bench.start()
    token = bench.waits(identity)
    gate, outcomes = threading.Barrier(8), []

    def answer(number: int) -> None:
        status = "Approved" if number % 2 else "Rejected"
        gate.wait()
        try:
            bench.answer(token, status)
            outcomes.append(status)
        except ServiceError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (winner,) = (outcome for outcome in outcomes if outcome != DECIDED)
    assert outcomes.count(DECIDED) == 7
    assert bench.ends(identity) == {"Approved": "Succeeded", "Rejected": "Failed"}[winner]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"token": OTHER_TOKEN}, INVALID),
        ({"token": "not a token"}, "ValidationException"),
        ({"pipelineName": "other"}, "PipelineNotFoundException"),
        ({"stageName": "Other"}, "StageNotFoundException"),
        ({"actionName": "Other"}, "ActionNotFoundException"),
        ({"stageName": "Record", "actionName": "record"}, INVALID),
    ],
)
def test_an_answer_to_something_else_is_refused(bench: Bench, more: dict[str, str], code: str):
    bench.create(reviewed())
    identity = bench.start()
    token = bench.waits(identity)

    assert refusal(bench, **{"token": token, **more}) == code
    assert bench.status(identity) == "InProgress"


def test_the_token_of_another_execution_does_not_decide_this_one(bench: Bench):
    bench.create(reviewed())
    first, second = bench.start(), bench.start()
    token = bench.waits(first)
    bench.waits(second)

    bench.answer(token, "Rejected")

    assert bench.ends(first) == "Failed"
    assert bench.status(second) == "InProgress"


def test_after_a_retry_only_the_new_token_counts(bench: Bench):
    bench.create(reviewed())
    identity = bench.start()
    old = bench.waits(identity)
    bench.answer(old, "Rejected")
    retry = {"pipelineName": NAME, "stageName": "Review", "retryMode": "FAILED_ACTIONS"}

    bench.call("RetryStageExecution", pipelineExecutionId=identity, **retry)

    token = bench.waits(identity)
    assert token != old
    assert refusal(bench, old) == INVALID
    bench.answer(token)
    assert bench.ends(identity) == "Succeeded"


def test_an_approval_expires(bench: Bench):
    bench.scale = 60_000.0  # five minutes are five milliseconds
    bench.service = bench.made()
    bench.create(reviewed(timeoutInMinutes=5))
    identity = bench.start()
    token = bench.waits(identity)

    assert bench.ends(identity) == "Failed"
    run = bench.actions(identity)["Approve"]
    details = run["output"]["executionResult"]["errorDetails"]
    assert details["code"] == "TimeoutError"
    assert "timed out" in details["message"]
    assert "updatedBy" not in run  # nobody decided
    assert refusal(bench, token) == INVALID


def test_an_answer_after_the_time_is_over_does_not_count(bench: Bench):
    bench.create(reviewed(timeoutInMinutes=60))
    identity = bench.start()
    token = bench.waits(identity)

    bench.ahead = 3600.0  # the laptop was asleep: nothing has noticed yet

    assert refusal(bench, token) == INVALID
    assert bench.ends(identity) == "Failed"


def test_only_short_limits_run_at_the_pace_of_the_stage():
    assert seconds_open(5, 200.0) == 1.5
    assert seconds_open(7 * 24 * 60, 200.0) == 7 * 24 * 3600


@pytest.mark.parametrize(("setting", "scale"), [("", 1.0), ("50", 50.0)])
def test_the_pace_counts_for_approvals_only_where_somebody_set_it(
    monkeypatch: pytest.MonkeyPatch, setting: str, scale: float
):
    from localaws.codepipeline.stage import approval_scale

    monkeypatch.setenv("LOCALAWS_TIME_SCALE", setting)

    assert approval_scale() == scale


def test_a_stopped_execution_waits_for_the_decision_or_abandons_it(bench: Bench):
    bench.create(reviewed())
    first, second = bench.start(), bench.start()
    token, abandoned = bench.waits(first), bench.waits(second)

    bench.call("StopPipelineExecution", pipelineName=NAME, pipelineExecutionId=first)
    bench.call("StopPipelineExecution", pipelineName=NAME, pipelineExecutionId=second, abandon=True)

    assert bench.status(first) == "Stopping"
    bench.answer(token)
    assert bench.ends(first) == "Stopped"
    assert "record" not in bench.actions(first)
    assert refusal(bench, abandoned) == INVALID
    assert bench.status(second) == "Stopped"


def test_a_waiting_approval_survives_a_restart_with_its_token(bench: Bench):
    bench.create(reviewed())
    identity = bench.start()
    token = bench.waits(identity)
    bench.until(lambda: len(bench.provider.started("Approve")) == 1)

    bench.restart()

    assert bench.waits(identity) == token
    bench.answer(token)
    assert bench.ends(identity) == "Succeeded"
    bench.restart()
    assert refusal(bench, token) == DECIDED


def test_the_time_limit_goes_on_while_the_stage_is_down(bench: Bench):
    bench.create(reviewed(timeoutInMinutes=60))
    identity = bench.start()
    bench.waits(identity)

    bench.ahead = 3600.0
    bench.restart()

    assert bench.ends(identity) == "Failed"


def test_a_decision_that_was_kept_is_acted_upon_after_a_restart(bench: Bench):
    bench.create(reviewed())
    release = bench.provider.hold("record")
    identity = bench.start()
    token = bench.waits(identity)
    kept_before = json.loads(json.dumps(bench.service.get_state()))
    bench.answer(token)
    kept = bench.service.get_state()
    # What is kept before the answer goes out holds the decision.
    (run,) = (
        run
        for run in kept["executions"][identity]["actions"].values()
        if run["action"] == "Approve"
    )
    assert (run["status"], run["approval"]["decided"]["status"]) == ("Succeeded", "Approved")
    release()
    assert bench.ends(identity) == "Succeeded"

    # And where the process died before it could be kept, it waits as before.
    bench.service = bench.made()
    bench.service.load_persisted_state(kept_before)
    assert bench.waits(identity) == token
    bench.answer(token)
    assert bench.ends(identity) == "Succeeded"


def test_a_notice_that_may_not_have_gone_out_is_repeated_after_a_restart(bench: Bench):
    bench.create(reviewed())
    release = bench.provider.hold("Approve")
    identity = bench.start()
    bench.until(lambda: bench.provider.started("Approve"))

    bench.restart()
    release()

    bench.until(lambda: len(bench.provider.started("Approve")) == 2)
    assert bench.status(identity) == "InProgress"


def test_a_notice_that_cannot_go_out_fails_the_action(bench: Bench):
    bench.create(reviewed())
    bench.provider.fails("Approve", "no such topic")

    identity = bench.start()

    assert bench.ends(identity) == "Failed"


class Topic:
    """A topic that remembers, or refuses."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.published: list[tuple[str, str, str, str]] = []

    def publish(self, acting: Acting, topic: str, subject: str, message: str) -> None:
        if self.refuses:
            raise NoticeError("AuthorizationError")
        self.published.append((acting.role, topic, subject, message))


ASKED = {
    "NotificationArn": "arn:aws:sns:us-east-1:123456789012:topic",
    "ExternalEntityLink": "https://example.com/review",
    "CustomData": "abalone release 7",
}
OPEN = {"token": "t-1", "expires": 1_800_000_000.0, "notified": False}


def test_the_notice_has_awss_form():
    topic = Topic()

    ManualApproval(topic, NAMES)(task("Approve", ASKED, approval=OPEN))

    ((role, arn, subject, message),) = topic.published
    assert (role, arn) == (ROLE, ASKED["NotificationArn"])
    assert subject == f"APPROVAL NEEDED: AWS CodePipeline {NAME} for action Approve"
    view = "https://console.aws.amazon.com/codepipeline/home?region=us-east-1#/view/release"
    assert json.loads(message) == {
        "region": "us-east-1",
        "consoleLink": view,
        "approval": {
            "pipelineName": NAME,
            "stageName": "Work",
            "actionName": "Approve",
            "token": "t-1",
            "expires": "2027-01-15T08:00Z",
            "externalEntityLink": "https://example.com/review",
            "approvalReviewLink": f"{view}/Work/Approve/approve/t-1",
            "customData": "abalone release 7",
        },
    }


def test_without_a_topic_nothing_is_published():
    topic = Topic()

    ManualApproval(topic, NAMES)(task("Approve", {}, approval=OPEN))

    assert topic.published == []


def test_a_topic_that_refuses_the_role_is_named():
    with pytest.raises(ActionError, match="could not be published to arn:aws:sns"):
        ManualApproval(Topic(refuses=True), NAMES)(task("Approve", ASKED, approval=OPEN))


def test_nobody_can_answer_a_job_that_is_none():
    with pytest.raises(ServiceError) as raised:
        Jobs().succeed({"jobId": OTHER_TOKEN})
    assert raised.value.code == "JobNotFoundException"


@pytest.mark.parametrize(("lost", "told"), [(2, True), (3, False)])
def test_a_notice_survives_lost_connections(lost: int, told: bool) -> None:
    answers = [ConnectionClosedError(endpoint_url="http://127.0.0.1")] * lost
    published: list[dict[str, str]] = []

    def publish(**request: str) -> None:
        if answers:
            raise answers.pop()
        published.append(request)

    clients: Any = SimpleNamespace(get=lambda *_: SimpleNamespace(publish=publish))
    acting: Any = None
    with nullcontext() if told else pytest.raises(NoticeError, match="Connection was closed"):
        Topics(clients).publish(acting, "topic", "subject", "message")

    assert len(published) == told
