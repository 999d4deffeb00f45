"""What the release functions ask of AWS, held to botocore's own models of the services."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber
from releases.job import Jobs
from releases.packages import Packages
from releases.pipeline import Action, Pipeline, TooManyReleasesError
from releases.serving import Failure, Serving, Standing, StillGoingOnError

NAME = "kanmon-test-release"
EXECUTION = "11111111-2222-4333-8444-555555555555"
TOKEN = "99999999-2222-4333-8444-555555555555"
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
STACK = "kanmon-test-serving-churn"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/kanmon-test-churn/7"
ALIAS = "arn:aws:lambda:us-east-1:123456789012:function:kanmon-test-serving-churn-x:live"


class Services:
    """Clients by name whose calls and answers are laid down beforehand."""

    def __init__(self) -> None:
        self._clients: dict[str, Any] = {}
        self._stubs: dict[str, Stubber] = {}

    def __call__(self, name: str) -> Any:
        if name not in self._clients:
            client: Any = boto3.client(name)  # type: ignore[call-overload]
            self._clients[name] = client
            self._stubs[name] = Stubber(client)
            self._stubs[name].activate()
        return self._clients[name]

    def answer(self, name: str, call: str, response: dict[str, Any], /, **asked: Any) -> None:
        self(name)
        self._stubs[name].add_response(call, response, asked or None)

    def fail(self, name: str, call: str, code: str, message: str = "") -> None:
        self(name)
        self._stubs[name].add_client_error(call, code, message)

    def finish(self) -> None:
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()


@pytest.fixture
def services() -> Iterator[Services]:
    made = Services()
    yield made
    made.finish()


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


# ---- the pipeline


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
        "ApproveRelease", "InProgress", "2026-11-21T06:00:00Z", NOW, external=TOKEN
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
            result={"status": "Rejected", "summary": "x" * 509 + "..."},
            token=TOKEN,
        )

    decided = Pipeline(services("codepipeline"), NAME).decide(TOKEN, "Rejected", "x" * 600)

    assert decided is answered


# ---- jobs


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


# ---- the registry


def described(approval: str, **more: Any) -> dict[str, Any]:
    return {
        "ModelPackageName": "kanmon-test-churn",
        "ModelPackageGroupName": "kanmon-test-churn",
        "ModelPackageArn": ARN,
        "CreationTime": NOW,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "ModelApprovalStatus": approval,
        **more,
    }


@pytest.mark.parametrize(
    ("changed", "by"),
    [
        ({"IamIdentity": {"Arn": "arn:ada"}, "UserProfileName": "ada"}, "arn:ada"),
        ({"UserProfileName": "ada"}, "ada"),
        ({}, None),
    ],
)
def test_a_package_says_who_decided_where_sagemaker_knows(
    services: Services, changed: dict[str, Any], by: str | None
) -> None:
    services.answer(
        "sagemaker",
        "describe_model_package",
        described("Approved", LastModifiedBy=changed, ApprovalDescription="fine"),
        ModelPackageName=ARN,
    )

    package = Packages(services("sagemaker")).package(ARN)

    assert (package.approval, package.reason, package.by) == ("Approved", "fine", by)


def test_a_package_that_has_its_status_keeps_the_reason_it_was_given(services: Services) -> None:
    services.answer("sagemaker", "describe_model_package", described("Approved"))

    Packages(services("sagemaker")).settle(ARN, "Approved", "another reason")


def test_a_package_gets_its_status_with_the_reason_and_its_life_in_production(
    services: Services,
) -> None:
    services.answer("sagemaker", "describe_model_package", described("PendingManualApproval"))
    services.answer(
        "sagemaker",
        "update_model_package",
        {"ModelPackageArn": ARN},
        ModelPackageArn=ARN,
        ModelApprovalStatus="Rejected",
        ApprovalDescription="two lines",
    )
    services.answer(
        "sagemaker",
        "update_model_package",
        {"ModelPackageArn": ARN},
        ModelPackageArn=ARN,
        ModelLifeCycle={
            "Stage": "Production",
            "StageStatus": "Retired",
            "StageDescription": "replaced",
        },
    )
    packages = Packages(services("sagemaker"))

    packages.settle(ARN, "Rejected", "two\nlines")
    packages.live(ARN, "Retired", "replaced")


# ---- production


def serving(services: Services) -> Serving:
    return Serving(services, "kanmon-test")


def test_a_model_that_was_never_in_production_has_no_stack(services: Services) -> None:
    services.fail("cloudformation", "describe_stacks", "ValidationError", "does not exist")

    assert serving(services).standing("churn") is None


def standing(status: str) -> dict[str, object]:
    return {"Stacks": [{"StackName": STACK, "CreationTime": NOW, "StackStatus": status}]}


def test_an_update_is_cancelled_once_and_waited_for(services: Services) -> None:
    services.answer("cloudformation", "describe_stacks", standing("UPDATE_IN_PROGRESS"))
    services.answer("cloudformation", "cancel_update_stack", {}, StackName=STACK)
    services.answer("cloudformation", "describe_stacks", standing("UPDATE_IN_PROGRESS"))
    services.answer("cloudformation", "describe_stacks", standing("UPDATE_ROLLBACK_COMPLETE"))

    serving(services).halt("churn")


def test_an_update_that_ended_before_it_could_be_cancelled_is_let_be(services: Services) -> None:
    services.answer("cloudformation", "describe_stacks", standing("UPDATE_IN_PROGRESS"))
    services.fail("cloudformation", "cancel_update_stack", "ValidationError", "cannot be called")
    services.answer("cloudformation", "describe_stacks", standing("UPDATE_COMPLETE"))

    serving(services).halt("churn")


def test_the_creation_of_a_stack_is_not_waited_for_for_ever(services: Services) -> None:
    services.answer("cloudformation", "describe_stacks", standing("CREATE_IN_PROGRESS"))

    with pytest.raises(StillGoingOnError, match="is still CREATE_IN_PROGRESS"):
        serving(services).halt("churn", seconds=0)


def test_a_stack_stands_with_its_outputs(services: Services) -> None:
    services.answer(
        "cloudformation",
        "describe_stacks",
        {
            "Stacks": [
                {
                    "StackName": STACK,
                    "CreationTime": NOW,
                    "StackStatus": "UPDATE_COMPLETE",
                    "Outputs": [{"OutputKey": "Release", "OutputValue": "7"}],
                }
            ]
        },
        StackName=STACK,
    )

    assert serving(services).standing("churn") == Standing("UPDATE_COMPLETE", {"Release": "7"})


def test_the_live_scorer_is_asked_and_a_missing_one_answers_so(services: Services) -> None:
    body = json.dumps({"release": 7}).encode()
    services.answer(
        "lambda",
        "invoke",
        {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(body), len(body))},
        FunctionName=ALIAS,
        Payload=b'{"check": true}',
    )
    services.fail("lambda", "invoke", "ResourceNotFoundException", "no such alias")

    asked = serving(services)

    assert asked.ask(ALIAS, [{"check": True}]) == [{"release": 7}]
    assert asked.ask(ALIAS, [{"check": True}]) == [{"message": f"{ALIAS} is not there"}]


def resource(services: Services, physical: str) -> None:
    services.answer(
        "cloudformation",
        "describe_stack_resource",
        {
            "StackResourceDetail": {
                "LogicalResourceId": "x",
                "PhysicalResourceId": physical,
                "ResourceType": "x",
                "LastUpdatedTimestamp": NOW,
                "ResourceStatus": "CREATE_COMPLETE",
            }
        },
    )


def test_codedeploys_reason_for_a_rollback_is_told(services: Services) -> None:
    resource(services, "the-application")
    resource(services, "the-group")
    services.answer(
        "codedeploy",
        "list_deployments",
        {"deployments": ["d-2", "d-1"]},
        applicationName="the-application",
        deploymentGroupName="the-group",
        createTimeRange={"start": NOW},
        includeOnlyStatuses=["Failed", "Stopped"],
    )
    # The deployment that brought the traffic back failed for no reason of its own.
    services.answer(
        "codedeploy",
        "get_deployment",
        {"deploymentInfo": {"creator": "codeDeployRollback", "status": "Failed"}},
    )
    services.answer(
        "codedeploy",
        "get_deployment",
        {
            "deploymentInfo": {
                "creator": "CloudFormation",
                "status": "Stopped",
                "errorInformation": {"code": "ALARM_ACTIVE", "message": "An alarm\nis active"},
            }
        },
    )

    assert serving(services).failure("churn", NOW) == Failure(
        "CodeDeploy d-1: An alarm is active (ALARM_ACTIVE)", True
    )


def event(status: str, reason: str | None, logical: str = "ScoringFunction") -> dict[str, Any]:
    found = {
        "StackId": "s",
        "EventId": "e",
        "StackName": STACK,
        "Timestamp": NOW,
        "LogicalResourceId": logical,
        "ResourceStatus": status,
    }
    return found | ({"ResourceStatusReason": reason} if reason else {})


def test_without_a_deployment_the_first_resource_that_failed_is_told(services: Services) -> None:
    for _ in range(2):
        services.fail("cloudformation", "describe_stack_resource", "ValidationError", "no stack")
    services.answer(
        "cloudformation",
        "describe_stack_events",
        {
            "StackEvents": [
                event("UPDATE_ROLLBACK_COMPLETE", None, STACK),
                event("CREATE_FAILED", "Resource creation cancelled", "Other"),
                event("CREATE_FAILED", "not enough unreserved concurrency"),
            ]
        },
    )

    assert serving(services).failure("churn", NOW) == Failure(
        "ScoringFunction: not enough unreserved concurrency", False
    )
