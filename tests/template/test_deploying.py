"""CloudFormation's role for serving stacks: what its resources need, and that it may no more.

The local stage's CloudFormation makes resources without asking as a role, so use cannot prove these
grants. They are held against AWS's public registry schemas of the types that the serving stack has.
"""

import pytest

from tests.support import registry_schemas, serving_template
from tests.support.policy_decisions import BOUNDARY, may
from tests.support.translation import granted

# Of what a handler may call to create, update or delete, what a serving stack's properties never
# make it call. All that it may call to read is granted: it reads whatever the properties are.
NOT_CALLED = {
    "the functions are in no network and mount no file system": {
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "elasticfilesystem:DescribeMountTargets",
        "s3files:ListMountTargets",
    },
    "nothing is encrypted with a customer key": {
        "kms:CreateGrant",
        "kms:Decrypt",  # also named for reading: of variables encrypted with such a key
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "logs:AssociateKmsKey",
        "logs:DisassociateKmsKey",
    },
    "the functions have no layer and their code is not signed": {
        "lambda:DeleteFunctionCodeSigningConfig",
        "lambda:GetCodeSigningConfig",
        "lambda:GetLayerVersion",
        "lambda:PutFunctionCodeSigningConfig",
    },
    "the runtime, recursion and scaling stay as Lambda sets them": {
        "lambda:AssociateRuntimeAlias",
        "lambda:PassCapacityProvider",
        "lambda:PutFunctionRecursionConfig",
        "lambda:PutFunctionScalingConfig",
        "lambda:PutRuntimeManagementConfig",
    },
    "no concurrency is provisioned": {
        "lambda:DeleteProvisionedConcurrencyConfig",
        "lambda:PutProvisionedConcurrencyConfig",
    },
    "a release's roles have no managed policies, and keep their boundary": {
        "iam:AttachRolePolicy",
        "iam:DeleteRolePermissionsBoundary",
        "iam:DetachRolePolicy",
    },
    "a log group has a retention and tags, and nothing else": {
        "firehose:TagDeliveryStream",
        "logs:CreateLogDelivery",
        "logs:DeleteDataProtectionPolicy",
        "logs:DeleteIndexPolicy",
        "logs:DeleteResourcePolicy",
        "logs:PutBearerTokenAuthentication",
        "logs:PutDataProtectionPolicy",
        "logs:PutIndexPolicy",
        "logs:PutLogGroupDeletionProtection",
        "logs:PutResourcePolicy",
        "s3:REST.PUT.OBJECT",  # no action of IAM's
    },
    "no deployment is of machines": {"codedeploy:RegisterOnPremisesInstance"},
}
# What the schemas do not name.
CALLED_BESIDES = {
    "to expand a transform is to make a change set of it": {"cloudformation:CreateChangeSet"},
}


def registry() -> set[str]:
    """What CloudFormation may call for the types of a serving stack."""
    found = registry_schemas.excerpt()
    return {
        action
        for kind in types()
        for actions in found[kind].values()
        for action in actions
    }  # fmt: skip


def types() -> set[str]:
    return {entry["Type"] for entry in serving_template.translated()["Resources"].values()}


def test_the_excerpt_is_of_the_types_of_a_serving_stack_and_of_the_locked_linters_schemas() -> None:
    assert registry_schemas.excerpt() == registry_schemas.current(types())


def test_granted_is_what_the_registry_says_less_and_more_than_that_with_a_reason() -> None:
    granted_actions = {action for one in granted("ServingDeployRole") for action in one["Action"]}
    left_out: set[str] = set().union(*NOT_CALLED.values())
    besides: set[str] = set().union(*CALLED_BESIDES.values())

    assert granted_actions == (registry() - left_out) | besides
    # No reason outlives what it explains.
    assert left_out <= registry()
    assert not besides & registry()


def test_only_what_needs_a_key_is_left_out_of_reading() -> None:
    left_out: set[str] = set().union(*NOT_CALLED.values())
    read = {a for kind in types() for a in registry_schemas.excerpt()[kind]["read"]}

    assert read & left_out == {"kms:Decrypt"}


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
