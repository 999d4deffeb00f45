"""What the release functions ask of CodePipeline."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.stage.pipeline_job import Jobs
from core.stage.release_pipeline import Action, Pipeline, TooManyReleasesError
from tests.support.services import Services

NAME = "kanmon-test-release"
EXECUTION = "11111111-2222-4333-8444-555555555555"
TOKEN = "99999999-2222-4333-8444-555555555555"
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def detail(name: str, status: str, **result: Any) -> dict[str, Any]:
    return {
        "pipelineExecutionId": EXECUTION,
        "actionExecutionId": "a-1",
        "stageName": "Review",
        "actionName": name,
        "startTime": NOW,
        "lastUpdateTime": NOW,
        "status": status,
        "output": {"executionResult": result},
    }


def test_a_release_is_started_on_exactly_its_bundle(services: Services) -> None:
    services.answer(
        "codepipeline",
        "start_pipeline_execution",
        {"pipelineExecutionId": EXECUTION},
        name=NAME,
        variables=[{"name": "model", "value": "churn"}, {"name": "summary", "value": "-"}],
        sourceRevisions=[
            {
                "actionName": "Bundle",
                "revisionType": "S3_OBJECT_KEY",
                "revisionValue": "releases/churn/7/bundle.zip",
            },
            {
                "actionName": "Bundle",
                "revisionType": "S3_OBJECT_VERSION_ID",
                "revisionValue": "v1",
            },
        ],
        clientRequestToken="f" * 64,
    )

    started = Pipeline(services("codepipeline"), NAME).start(
        {"model": "churn", "summary": ""}, "releases/churn/7/bundle.zip", "v1", "f" * 64
    )

    assert started == EXECUTION


def test_more_releases_than_codepipeline_takes_are_told_with_the_mend(services: Services) -> None:
    code = "ConcurrentPipelineExecutionsLimitExceededException"
    services.fail("codepipeline", "start_pipeline_execution", code)

    with pytest.raises(TooManyReleasesError, match="decide about those that wait"):
        Pipeline(services("codepipeline"), NAME).start({"release": "7"}, "key", "version", TOKEN)


def test_an_execution_is_read_with_the_latest_attempt_of_each_action(services: Services) -> None:
    services.answer(
        "codepipeline",
        "get_pipeline_execution",
        {
            "pipelineExecution": {
                "pipelineExecutionId": EXECUTION,
                "status": "InProgress",
                "variables": [{"name": "model", "resolvedValue": "churn"}],
                "trigger": {"triggerType": "StartPipelineExecution", "triggerDetail": "arn:ada"},
            }
        },
    )
    page = [detail("ApproveRelease", "InProgress", externalExecutionId=TOKEN)]
    services.answer(
        "codepipeline",
        "list_action_executions",
        {"actionExecutionDetails": page, "nextToken": "more"},
        pipelineName=NAME,
        filter={"pipelineExecutionId": EXECUTION},
    )
    older = [detail("ApproveRelease", "Failed"), detail("Bundle", "Succeeded")]
    services.answer("codepipeline", "list_action_executions", {"actionExecutionDetails": older})

    execution = Pipeline(services("codepipeline"), NAME).execution(EXECUTION)

    assert execution is not None
    assert (execution.ended, execution.started_by) == (False, "arn:ada")
    assert execution.variables == {"model": "churn"}
    assert [action.name for action in execution.actions] == ["Bundle", "ApproveRelease"]
    assert execution.action("ApproveRelease") == Action(
        "Review", "ApproveRelease", "InProgress", NOW, NOW, attempts=2, external_id=TOKEN
    )


def test_an_execution_that_is_not_there_is_none(services: Services) -> None:
    services.fail(
        "codepipeline", "get_pipeline_execution", "PipelineExecutionNotFoundException", "no"
    )

    assert Pipeline(services("codepipeline"), NAME).execution(EXECUTION) is None


@pytest.mark.parametrize(
    ("error", "answered"),
    [
        (None, True),
        ("ApprovalAlreadyCompletedException", False),  # somebody was quicker
        ("InvalidApprovalTokenException", False),  # it expired, or was stopped
    ],
)
def test_an_approval_takes_one_answer(
    services: Services, error: str | None, answered: bool
) -> None:
    if error:
        services.fail("codepipeline", "put_approval_result", error)
    else:
        services.answer(
            "codepipeline",
            "put_approval_result",
            {},
            pipelineName=NAME,
            stageName="Review",
            actionName="ApproveRelease",
            result={"status": "Rejected", "summary": "x" * 511 + "…"},
            token=TOKEN,
        )

    decided = Pipeline(services("codepipeline"), NAME).decide(TOKEN, "Rejected", "x" * 600)

    assert decided is answered


def test_a_job_is_answered_once_again_or_with_a_reason(services: Services) -> None:
    job = "11111111-2222-4333-8444-000000000000"
    services.answer(
        "codepipeline",
        "put_job_success_result",
        {},
        jobId=job,
        executionDetails={"summary": "done"},
        outputVariables={"previous": "6"},
    )
    services.answer(
        "codepipeline",
        "put_job_success_result",
        {},
        jobId=job,
        executionDetails={"summary": "waits"},
        continuationToken='{"waits": "waits"}',
    )
    services.answer(
        "codepipeline",
        "put_job_failure_result",
        {},
        jobId=job,
        failureDetails={"type": "JobFailed", "message": "no, because"},
    )
    jobs = Jobs(services("codepipeline"))

    jobs.succeed(job, "done", {"previous": "6"})
    jobs.go_on(job, "waits")
    jobs.fail(job, "no,\nbecause")


@pytest.mark.parametrize("call", ["put_job_success_result", "put_job_failure_result"])
def test_a_job_that_was_answered_before_is_left_as_it_is(services: Services, call: str) -> None:
    services.fail("codepipeline", call, "InvalidJobStateException")
    jobs = Jobs(services("codepipeline"))

    if call == "put_job_success_result":
        jobs.succeed("11111111-2222-4333-8444-000000000000", "done", {})
    else:
        jobs.fail("11111111-2222-4333-8444-000000000000", "no")
