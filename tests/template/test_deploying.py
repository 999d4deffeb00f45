"""CloudFormation's role for serving stacks: what its resources need, and that it may no more.

The local stage's CloudFormation makes resources without asking as a role, so use cannot prove these
grants. They are held against the types of resources that the serving stack has, with what
CloudFormation calls to make, read, change, tag and remove one of each.
"""

import pytest

from tests.support import serving_template
from tests.support.policy_decisions import BOUNDARY, may
from tests.support.translation import granted

TAGS = ("TagResource", "UntagResource", "ListTagsForResource")


def calls(service: str, *actions: str) -> set[str]:
    return {f"{service}:{action}" for action in actions}


NEEDED = {
    "AWS::Lambda::Function": {
        *calls("lambda", "CreateFunction", "GetFunction", "DeleteFunction"),
        *calls("lambda", "UpdateFunctionCode", "UpdateFunctionConfiguration"),
        *calls("lambda", "PutFunctionConcurrency", "DeleteFunctionConcurrency"),
        *calls("lambda", "TagResource", "UntagResource", "ListTags"),
        # To tell whether somebody changed what the template leaves alone.
        *calls("lambda", "GetFunctionConfiguration", "GetFunctionCodeSigningConfig"),
        *calls("lambda", "GetRuntimeManagementConfig", "GetFunctionRecursionConfig"),
        # With the caller's permissions, Lambda fetches the package and takes the role.
        *calls("s3", "GetObject", "GetObjectVersion"),
        *calls("iam", "PassRole"),
    },
    "AWS::Lambda::Version": {
        *calls("lambda", "PublishVersion", "ListVersionsByFunction"),
        *calls("lambda", "GetProvisionedConcurrencyConfig", "DeleteFunction"),
    },
    "AWS::Lambda::Alias": {
        *calls("lambda", "CreateAlias", "GetAlias", "UpdateAlias", "DeleteAlias"),
        # A new version of an alias with an update policy is a deployment of CodeDeploy's.
        *calls("codedeploy", "CreateDeployment", "GetDeployment", "StopDeployment"),
        *calls("codedeploy", "GetDeploymentConfig", "GetApplicationRevision"),
        *calls("codedeploy", "RegisterApplicationRevision"),
    },
    "AWS::Lambda::Url": calls(
        *("lambda", "CreateFunctionUrlConfig", "GetFunctionUrlConfig"),
        *("UpdateFunctionUrlConfig", "DeleteFunctionUrlConfig"),
    ),
    "AWS::IAM::Role": calls(
        *("iam", "CreateRole", "GetRole", "UpdateRole", "DeleteRole", "PutRolePolicy"),
        *("GetRolePolicy", "DeleteRolePolicy", "PutRolePermissionsBoundary"),
        *("UpdateAssumeRolePolicy", "TagRole", "UntagRole"),
    ),
    "AWS::Logs::LogGroup": calls(
        *("logs", "CreateLogGroup", "DescribeLogGroups", "DeleteLogGroup"),
        *("PutRetentionPolicy", "DeleteRetentionPolicy", *TAGS),
    ),
    "AWS::CloudWatch::Alarm": calls(
        "cloudwatch", "PutMetricAlarm", "DescribeAlarms", "DeleteAlarms", *TAGS
    ),
    "AWS::CodeDeploy::Application": calls(
        *("codedeploy", "CreateApplication", "GetApplication"),
        *("UpdateApplication", "DeleteApplication", *TAGS),
    ),
    "AWS::CodeDeploy::DeploymentGroup": {
        *calls("codedeploy", "CreateDeploymentGroup", "GetDeploymentGroup"),
        *calls("codedeploy", "UpdateDeploymentGroup", "DeleteDeploymentGroup", *TAGS),
        *calls("iam", "PassRole"),
    },
}
TRANSFORM = calls("cloudformation", "CreateChangeSet")


def types() -> set[str]:
    return {entry["Type"] for entry in serving_template.translated()["Resources"].values()}


def test_every_type_of_a_serving_stack_is_known() -> None:
    assert types() == set(NEEDED)


def test_granted_is_what_a_serving_stacks_resources_need() -> None:
    allowed = {action for one in granted("ServingDeployRole") for action in one["Action"]}

    assert allowed == TRANSFORM.union(*(NEEDED[kind] for kind in types()))


@pytest.mark.parametrize("name", serving_template.resources("AWS::IAM::Role"))
def test_every_role_of_a_serving_stack_can_be_made_and_passed(name: str) -> None:
    role = f"arn:aws:iam::123456789012:role/{serving_template.STACK}-{name}-1A2B3C"
    trusted = serving_template.resources("AWS::IAM::Role")[name]["AssumeRolePolicyDocument"]
    [service] = {one["Principal"]["Service"] for one in trusted["Statement"]}

    assert may("ServingDeployRole", "iam:CreateRole", role, iam__PermissionsBoundary=BOUNDARY)
    assert may("ServingDeployRole", "iam:PassRole", role, iam__PassedToService=service)


@pytest.mark.parametrize("stage", ["local", "dev", "prod"])
def test_names_made_of_a_stacks_are_cut_after_what_permissions_look_at(stage: str) -> None:
    # CloudFormation keeps at least this much of a stack's name where it shortens a resource's.
    assert len(f"kanmon-{stage}-serving-") <= 24
