"""What the release functions ask of the registry and of the stacks in production."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.response import StreamingBody

from core.stage.registry import Registry
from core.stage.serving_stack import Failure, Serving, Standing, StillGoingOnError
from tests.support.services import Services

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
STACK = "kanmon-test-serving-churn"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/kanmon-test-churn/7"
ALIAS = "arn:aws:lambda:us-east-1:123456789012:function:kanmon-test-serving-churn-x:live"


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

    package = Registry(services("sagemaker")).package(ARN)

    assert (package.approval, package.reason, package.by) == ("Approved", "fine", by)


def test_a_package_that_has_its_status_keeps_the_reason_it_was_given(services: Services) -> None:
    services.answer("sagemaker", "describe_model_package", described("Approved"))

    Registry(services("sagemaker")).set_approval(ARN, "Approved", "another reason")


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
    registry = Registry(services("sagemaker"))

    registry.set_approval(ARN, "Rejected", "two\nlines")
    registry.set_production(ARN, "Retired", "replaced")


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


def test_while_a_canary_shifts_the_main_version_is_the_one_in_service(services: Services) -> None:
    function = ALIAS.removesuffix(":live")
    shifting = {"AdditionalVersionWeights": {"7": 0.9}}
    services.answer(
        "lambda",
        "get_alias",
        {"AliasArn": ALIAS, "FunctionVersion": "6", "RoutingConfig": shifting},
        FunctionName=function,
        Name="live",
    )
    services.answer(
        "lambda",
        "get_function_configuration",
        {"Environment": {"Variables": {"RELEASE": "3"}}},
        FunctionName=function,
        Qualifier="6",
    )
    services.fail("lambda", "get_alias", "ResourceNotFoundException", "no such alias")

    asked = serving(services)

    assert asked.main_version(ALIAS) == {"RELEASE": "3"}
    assert asked.main_version(ALIAS) is None


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
