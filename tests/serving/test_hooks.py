"""The deployment's hooks: a version or alias that does not answer as its release never stays."""

import io
import json
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

import check_after_traffic
import check_before_traffic
import withdrawn
from scorer import lifecycle_hook
from tests.support.trained_releases import FEATURES, MODEL, RELEASE, golden, scorer, trained

EVENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "hook-1"}
VERSION = "arn:aws:lambda:us-east-1:123456789012:function:scoring:3"
ALIAS = "arn:aws:lambda:us-east-1:123456789012:function:scoring:live"


class Deployment:
    """The functions by ARN, and what the deployment was answered."""

    def __init__(self) -> None:
        self.functions: dict[str, Any] = {}
        self.asked: list[str] = []
        self.answers: list[tuple[str, str, str]] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        self.asked.append(FunctionName)
        answer = self.functions[FunctionName](json.loads(Payload))
        content = io.BytesIO(json.dumps(answer).encode())
        failed = {"FunctionError": "Unhandled"} if "errorMessage" in answer else {}
        return {"Payload": content, **failed}

    def put_lifecycle_event_hook_execution_status(self, **answer: str) -> None:
        keys = ("deploymentId", "lifecycleEventHookExecutionId", "status")
        self.answers.append(tuple(answer[key] for key in keys))  # type: ignore[arg-type]


@pytest.fixture
def deployment(tmp_path, monkeypatch):
    """A deployment whose version and alias both answer as release 7 does."""
    (tmp_path / "golden.json").write_bytes(golden(trained()))
    monkeypatch.setattr(lifecycle_hook, "GOLDEN", tmp_path / "golden.json")
    monkeypatch.setattr(check_after_traffic, "PAUSE_SECONDS", 0)
    for name, value in (
        ("MODEL", MODEL),
        ("RELEASE", str(RELEASE)),
        ("NEW_VERSION", VERSION),
        ("LIVE_ALIAS", ALIAS),
    ):
        monkeypatch.setenv(name, value)
    deployment = Deployment()
    monkeypatch.setattr(boto3, "client", lambda service: deployment)
    served = scorer(tmp_path / "served", features=FEATURES)

    def score(request: Any) -> dict[str, Any]:
        return served.answer(request, "r-1").document

    deployment.functions = {VERSION: score, ALIAS: score}
    return deployment


def test_the_new_version_passes_when_it_scores_the_golden_records_as_recorded(deployment):
    answered = check_before_traffic.handler(EVENT, None)

    assert answered == {"status": "Succeeded", "found": "40 records"}
    assert deployment.answers == [("d-1", "hook-1", "Succeeded")]
    assert deployment.asked == [VERSION]


def test_a_check_asks_not_to_be_measured(deployment):
    asked = []
    score = deployment.functions[VERSION]
    deployment.functions[VERSION] = lambda request: asked.append(request) or score(request)

    check_before_traffic.handler(EVENT, None)

    assert [request["check"] for request in asked] == [True]


def wrong_score(answer):
    answer["predictions"][2]["prediction"] += 1


def other_release(answer):
    answer["release"] = 6


def refused_row(answer):
    answer["errors"] = [{"row": 1, "feature": "size", "message": "no"}]


def crash(answer):
    answer.clear()
    answer["errorMessage"] = "Unable to import module 'score'"


def nonsense(answer):
    answer.clear()


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (wrong_score, "1 of 40 golden records differ from the release's scores by more than 1e-06"),
        (other_release, "release 6 answered, not release 7"),
        (refused_row, "golden record 1: size: no"),
        (crash, "the function failed: Unable to import module 'score'"),
        (nonsense, "release None answered, not release 7"),
    ],
)
def test_a_version_that_answers_otherwise_is_rolled_back_and_the_log_shows_why(
    deployment, capsys, spoil, found
):
    score = deployment.functions[VERSION]

    def spoiled(request):
        answer = score(request)
        spoil(answer)
        return answer

    deployment.functions[VERSION] = spoiled

    answered = check_before_traffic.handler(EVENT, None)

    assert answered["status"] == "Failed"
    assert answered["found"].startswith(found)
    assert deployment.answers == [("d-1", "hook-1", "Failed")]
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["model"], line["release"]) == ("ERROR", "shells", "7")
    assert line["found"].startswith(found)


def test_the_deployment_is_answered_also_when_the_check_itself_breaks(deployment, tmp_path):
    (tmp_path / "golden.json").unlink()

    answered = check_before_traffic.handler(EVENT, None)

    assert answered["found"].startswith("FileNotFoundError")
    assert deployment.answers == [("d-1", "hook-1", "Failed")]


def test_the_alias_passes_when_it_gives_the_new_releases_scores(deployment):
    answered = check_after_traffic.handler(EVENT, None)

    assert answered == {"status": "Succeeded", "found": "5 records, attempt 1"}
    assert deployment.asked == [ALIAS]


def test_an_alias_that_has_just_been_shifted_may_take_a_moment(deployment):
    score = deployment.functions[ALIAS]
    deployment.functions[ALIAS] = lambda request: {
        **score(request),
        "release": 7 if len(deployment.asked) > 2 else 6,
    }

    assert check_after_traffic.handler(EVENT, None)["found"] == "5 records, attempt 3"


def test_an_alias_that_stays_with_the_old_release_is_rolled_back(deployment):
    score = deployment.functions[ALIAS]
    deployment.functions[ALIAS] = lambda request: {**score(request), "release": 6}

    answered = check_after_traffic.handler(EVENT, None)

    assert answered == {"status": "Failed", "found": "release 6 answered, not release 7"}
    assert deployment.answers == [("d-1", "hook-1", "Failed")]
    assert len(deployment.asked) == check_after_traffic.ATTEMPTS


# ---- a model that is withdrawn


def test_a_withdrawn_version_passes_when_it_answers_nothing_but_the_error(deployment, monkeypatch):
    monkeypatch.setenv("WITHDRAWN", "true")
    context = SimpleNamespace(aws_request_id="r-1")
    scoring = check_before_traffic.handler(EVENT, None)

    deployment.functions[VERSION] = lambda request: withdrawn.handler(request, context)
    gone = check_before_traffic.handler(EVENT, None)

    assert (scoring["status"], gone["status"]) == ("Failed", "Succeeded")
    assert "still answers" in scoring["found"]


def test_the_error_of_a_withdrawn_model_is_one_sentence_by_either_way(monkeypatch):
    monkeypatch.setenv("MODEL", MODEL)
    context = SimpleNamespace(aws_request_id="r-1")

    direct = withdrawn.handler({"rows": [{}]}, context)
    by_url = withdrawn.handler({"requestContext": {}, "rawPath": "/score"}, context)

    sentence = f"the model {MODEL} is withdrawn from service and answers no requests"
    assert [error["message"] for error in direct["errors"]] == [sentence]
    assert (direct["status"], direct["predictions"], direct["request_id"]) == (410, [], "r-1")
    assert (by_url["statusCode"], json.loads(by_url["body"])) == (410, direct)
