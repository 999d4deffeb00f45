"""The registry as SageMaker answers it, where moto's answers are simpler than AWS's."""

from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.stub import Stubber

from core.stage.registry import MOST_RECENT, Group, Registry

GROUP = "kanmon-test-churn"
ARN = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{GROUP}"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def listed(version: int) -> dict[str, Any]:
    return {
        "ModelPackageArn": f"{ARN}/{version}",
        "CreationTime": NOW,
        "ModelPackageStatus": "Completed",
    }


def described(version: int) -> dict[str, Any]:
    return {
        **listed(version),
        "ModelPackageName": GROUP,
        "ModelPackageVersion": version,
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
    }


def test_packages_behind_an_empty_page_are_found() -> None:
    client = boto3.client("sagemaker")
    with Stubber(client) as answers:
        answers.add_response(
            "list_model_packages", {"ModelPackageSummaryList": [], "NextToken": "more"}
        )
        answers.add_response("list_model_packages", {"ModelPackageSummaryList": [listed(9)]})
        answers.add_response("describe_model_package", described(9))

        found = list(Registry(client).recent(Group(GROUP, exists=True)))

    assert [package.version for package in found] == [9]


def test_a_run_is_not_kept_waiting_for_all_that_was_ever_registered() -> None:
    client = boto3.client("sagemaker")
    versions = list(range(100, 0, -1))
    with Stubber(client) as answers:
        page = [listed(version) for version in versions]
        answers.add_response("list_model_packages", {"ModelPackageSummaryList": page})
        for version in versions[:MOST_RECENT]:
            answers.add_response("describe_model_package", described(version))

        found = list(Registry(client).recent(Group(GROUP, exists=True)))

    assert [package.version for package in found] == versions[:MOST_RECENT]
