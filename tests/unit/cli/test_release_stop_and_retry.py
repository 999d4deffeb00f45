"""Stopping a release on its way, and trying its failed stage again."""

from types import SimpleNamespace

import pytest

from kanmon.errors import BadInputError
from kanmon.releases.retry import retry, retryable
from kanmon.releases.stop import stop_canary, stop_release
from tests.support.sample_releases import BUNDLE, REVIEWED, detail, progress, release
from tests.support.standin import Pages, Stage, refusal

WAITS = detail("Review", "ApproveRelease", "InProgress", began=1)
ADMITS = detail("Verify", "AdmitRelease", "InProgress", began=2)


def failed(stage, action, status="Failed"):
    return progress(status, BUNDLE, REVIEWED, detail(stage, action, "Failed", began=2))


def standing(status, *details):
    """A stage whose pipeline stands so, and what it is asked to do."""
    asked = []
    pipeline = SimpleNamespace(
        get_pipeline_execution=lambda **request: {"pipelineExecution": {"status": status}},
        get_paginator=lambda name: Pages(
            lambda **request: {"actionExecutionDetails": details[::-1]}
        ),
        stop_pipeline_execution=lambda **request: asked.append(request),
        retry_stage_execution=lambda **request: asked.append(request),
    )
    return Stage(codepipeline=pipeline), asked


@pytest.mark.parametrize(
    ("details", "abandon"),
    [
        ([BUNDLE, WAITS], True),  # nobody would ever end it
        ([BUNDLE, REVIEWED, ADMITS], False),
    ],
)
def test_what_runs_is_finished_unless_it_waits_for_a_person(details, abandon):
    stage, asked = standing("InProgress", *details)

    stop_release(stage, release(), "wrong day")

    assert asked == [
        {
            "pipelineName": "kanmon-local-release",
            "pipelineExecutionId": "e-7",
            "abandon": abandon,
            "reason": "wrong day",
        }
    ]


def test_a_second_stop_is_told_of_the_first():
    stage, _ = standing("Stopping", BUNDLE, REVIEWED, ADMITS)
    stage.client("codepipeline").stop_pipeline_execution = refusing(
        "DuplicatedStopRequestException"
    )

    assert stop_release(stage, release(), "wrong day") == "it is already being stopped"


@pytest.mark.parametrize("code", [None, "ConflictException", "ThrottlingException"])
def test_a_canary_that_was_stopped_is_told_so_whether_or_not_its_reason_is_kept(code):
    stage, asked = standing("InProgress", BUNDLE, REVIEWED)
    if code:
        stage.client("codepipeline").stop_pipeline_execution = refusing(code)
    stopped = []
    stage._clients["codedeploy"] = SimpleNamespace(
        stop_deployment=lambda **request: stopped.append(request["deploymentId"])
    )

    assert stop_canary(stage, [SimpleNamespace(id="d-1")], "e-7", "odd\nscores")

    assert stopped == ["d-1"]
    assert [one["reason"] for one in asked] == ([] if code else ["odd scores"])


def test_of_a_canary_that_had_ended_nothing_is_stopped():
    stage, asked = standing("InProgress", BUNDLE, REVIEWED)
    ended = refusing("DeploymentAlreadyCompletedException")
    stage._clients["codedeploy"] = SimpleNamespace(stop_deployment=ended)

    assert not stop_canary(stage, [SimpleNamespace(id="d-1")], "e-7", "odd scores")

    assert asked == []


def refusing(code):
    def refuse(**request):
        raise refusal(code)

    return refuse


def test_what_has_ended_is_not_stopped():
    stage, asked = standing("Succeeded", BUNDLE)

    with pytest.raises(BadInputError, match="the pipeline of release wine/7 is not running"):
        stop_release(stage, release(), "")

    assert asked == []


def test_verification_is_tried_again_with_its_admission():
    broken = detail("Verify", "VerifyRelease", "Failed", began=3)
    stage, asked = standing("Failed", BUNDLE, REVIEWED, broken)

    assert retry(stage, release("FAILED")) == "Verify"
    assert asked == [
        {
            "pipelineName": "kanmon-local-release",
            "pipelineExecutionId": "e-7",
            "stageName": "Verify",
            "retryMode": "ALL_ACTIONS",
        }
    ]


@pytest.mark.parametrize(
    ("status", "stands", "stage"),
    [
        ("FAILED", failed("Promote", "DeployRelease"), "Promote"),
        ("FAILED", failed("Record", "RecordRelease"), "Record"),
        ("FAILED", failed("Verify", "AdmitRelease", "Stopped"), "Verify"),
        ("SUPERSEDED", failed("Verify", "AdmitRelease"), None),  # a decision is final
        ("REJECTED", failed("Review", "ApproveRelease"), None),
        ("FAILED", progress("InProgress", BUNDLE, REVIEWED), None),
        ("PROMOTED", progress("Succeeded", BUNDLE, REVIEWED), None),
        ("WAITING", None, None),
    ],
)
def test_only_what_failed_after_its_review_is_tried_again(status, stands, stage):
    assert retryable(release(status), stands) == stage
