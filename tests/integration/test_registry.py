"""The registry as SageMaker answers it, where moto's answers are simpler than AWS's."""

from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.stub import Stubber
from lifecycle.registry import Registry

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


def test_the_newest_package_behind_an_empty_page_is_found() -> None:
    client = boto3.client("sagemaker")
    group = {
        "ModelPackageGroupName": GROUP,
        "ModelPackageGroupArn": ARN.replace("model-package/", "model-package-group/"),
        "CreationTime": NOW,
        "CreatedBy": {},
        "ModelPackageGroupStatus": "Completed",
    }
    with Stubber(client) as answers:
        answers.add_response("describe_model_package_group", group)
        answers.add_response(
            "list_model_packages", {"ModelPackageSummaryList": [], "NextToken": "more"}
        )
        answers.add_response("list_model_packages", {"ModelPackageSummaryList": [listed(9)]})
        answers.add_response("describe_model_package", described(9))

        found = Registry(client).group(GROUP)

    assert found.newest is not None
    assert found.newest.version == 9
