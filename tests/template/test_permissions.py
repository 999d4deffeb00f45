"""Who may do what: every grant exists, says what for, and is as narrow as its action allows."""

import json
import re
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

from core.definition.scorable import PRIVATE
from tests.support.arns import NARROWED_AT_A_COST, fits, resource_formats
from tests.support.policy_decisions import may_assume
from tests.support.translation import (
    GATHER_ROLES,
    denied,
    granted,
    policies,
    resolve,
    resources,
    statements,
    whole,
)

ROLES = sorted(resources("AWS::IAM::Role"))
PEOPLE = {"DataScientistRole", "ApproverRole", "OperatorRole", "StewardRole"}
GRANTS = [
    pytest.param(role, statement, id=f"{role}-{statement.get('Sid')}")
    for role in ROLES
    for statement in granted(role)
] + [
    pytest.param("ServingBoundary", statement, id=f"ServingBoundary-{statement['Sid']}")
    for statement in statements(
        resources("AWS::IAM::ManagedPolicy")["ServingBoundary"]["Properties"]["PolicyDocument"]
    )
]
# The only statements on every resource, each because its actions can name none.
ON_EVERYTHING = {
    "SignInToTheRegistry": "ecr:GetAuthorizationToken signs in to all of ECR",
    "ShowCpuAndMemoryOfJobs": "cloudwatch:PutMetricData knows a namespace, not a resource",
    "ShowCpuAndMemoryOfTraining": "cloudwatch:PutMetricData knows a namespace, not a resource",
    "SendTraces": "X-Ray segments belong to no resource",
    "DeliverTheWorkflowsLog": "log delivery is set up per account",
    "AnswerThePipeline": "a job of CodePipeline's has an id that only its function is told",
    "AnswerTheDeployment": "so has the execution of a deployment's hook",
    "FindLogGroups": "what is described of log groups is described of all or none",
    "LambdaConnectsTheFunction": "Lambda asks so, for interfaces that are not there yet",
    "SeeAlarms": "cloudwatch:DescribeAlarms knows alarms, but not all of them by name",
    "FindThePipelineAndTheRegistryInTheConsole": "the console lists all that there are",
    "StopADeploymentThatFails": "codedeploy:StopDeployment knows a deployment's id, not a resource",
    "SeeHowTrafficIsShifted": "CodeDeploy's targets are no resources",
    "StopDeployments": "codedeploy:StopDeployment knows a deployment's id, not a resource",
}
# What IAM's reference leaves out: to expand a transform is to make a change set of the transform.
TRANSFORM = "arn:aws:cloudformation:us-east-1:aws:transform/Serverless-2016-10-31"
TRUSTED = {
    "JobRole": "sagemaker.amazonaws.com",
    "ExploreJobRole": "sagemaker.amazonaws.com",
    "TakeSnapshotRole": "lambda.amazonaws.com",
    "HashRowsRole": "lambda.amazonaws.com",
    **dict.fromkeys(GATHER_ROLES, "sagemaker.amazonaws.com"),
    "MonitorJobRole": "sagemaker.amazonaws.com",
    "RetrainStateMachineRole": "states.amazonaws.com",
    "MonitorStateMachineRole": "states.amazonaws.com",
    "ScoreJobRole": "sagemaker.amazonaws.com",
    "ScoreStateMachineRole": "states.amazonaws.com",
    "ReleasePipelineRole": "codepipeline.amazonaws.com",
    "VerifyRole": "codebuild.amazonaws.com",
    "ServingDeployRole": "cloudformation.amazonaws.com",
    "DashboardRole": "quicksight.amazonaws.com",
    "PlanScheduleRole": "scheduler.amazonaws.com",
    "SendDigestScheduleRole": "scheduler.amazonaws.com",
    "RecordExperimentScheduleRole": "scheduler.amazonaws.com",
    "ChatChannelRole": "chatbot.amazonaws.com",
    "MlflowAppRole": "sagemaker.amazonaws.com",
    **{
        f"{name.removesuffix('Function')}Role": "lambda.amazonaws.com"
        for name in resources("AWS::Lambda::Function")
    },
}


# Their services are not documented to say for which account they act. A condition that asks for an
# absent key would let nobody in; no role can be passed to another account all the same.
NOT_TOLD = {
    *("ReleasePipelineRole", "ServingDeployRole", "DashboardRole", "ChatChannelRole"),
    "MlflowAppRole",
}


@pytest.mark.parametrize(("role", "statement"), GRANTS)
def test_every_grant_says_what_it_is_for(role: str, statement: dict[str, Any]) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z0-9]{5,}", statement.get("Sid", "")), statement
    assert statement["Effect"] == "Allow"


@pytest.mark.parametrize(("role", "statement"), GRANTS)
def test_every_action_is_spelled_out_and_exists(role: str, statement: dict[str, Any]) -> None:
    for action in statement["Action"]:
        service, name = action.split(":")
        rows = get_action_data(service, name)
        assert rows, action
        assert rows[service][0]["action"] == action  # capitals too


@pytest.mark.parametrize(("role", "statement"), GRANTS)
def test_every_grant_is_on_resources_its_actions_can_name(
    role: str, statement: dict[str, Any]
) -> None:
    if statement["Resource"] == ["*"]:
        assert ON_EVERYTHING[statement["Sid"]]
        narrower = [action for action in statement["Action"] if resource_formats(action)]
        assert set(narrower) <= NARROWED_AT_A_COST.keys()
        return
    for action in statement["Action"]:
        formats = [*resource_formats(action), TRANSFORM]
        assert any(fits(arn, known) for arn in statement["Resource"] for known in formats), action


@pytest.mark.parametrize(("role", "statement"), GRANTS)
def test_no_grant_reaches_another_account_or_region(role: str, statement: dict[str, Any]) -> None:
    for arn in statement["Resource"]:
        if arn != "*":
            partition, service, region, account = arn.split(":")[1:5]
            assert partition == "aws"
            assert "*" not in region + account
            # S3 names its buckets alone; everything else names the account.
            assert account or service == "s3"


def test_statements_on_everything_are_the_listed_ones() -> None:
    found = {
        statement["Sid"]
        for _, statement in (grant.values for grant in GRANTS)
        if "*" in statement["Resource"]
    }

    assert found == set(ON_EVERYTHING)


def test_roles_are_passed_one_to_one_service_each() -> None:
    passing = {
        (role, statement["Sid"]): (statement["Resource"], statement["Condition"])
        for role in ROLES
        for statement in granted(role)
        if "iam:PassRole" in statement["Action"]
    }

    def to(*services: str) -> dict[str, Any]:
        named = services[0] if len(services) == 1 else list(services)
        return {"StringEquals": {"iam:PassedToService": named}}

    account = "arn:aws:iam::123456789012:role"
    assert passing == {
        ("RetrainStateMachineRole", "GiveStepsTheirRole"): (
            [f"{account}/JobRole"],
            to("sagemaker.amazonaws.com"),
        ),
        # Of a stage with models that gather; nothing else has such a name.
        ("RetrainStateMachineRole", "GiveGatherJobsTheirRole"): (
            [f"{account}/kanmon-test-gather-*"],
            to("sagemaker.amazonaws.com"),
        ),
        ("MonitorStateMachineRole", "GiveTheStepItsRole"): (
            [f"{account}/MonitorJobRole"],
            to("sagemaker.amazonaws.com"),
        ),
        ("ScoreStateMachineRole", "GiveTheStepItsRole"): (
            [f"{account}/ScoreJobRole"],
            to("sagemaker.amazonaws.com"),
        ),
        ("DataScientistRole", "GiveThemTheirRole"): (
            [f"{account}/ExploreJobRole"],
            to("sagemaker.amazonaws.com"),
        ),
        ("ReleasePipelineRole", "GiveCloudFormationItsRole"): (
            [f"{account}/ServingDeployRole"],
            to("cloudformation.amazonaws.com"),
        ),
        ("ServingDeployRole", "GiveFunctionsAndDeploymentsTheirRoles"): (
            [f"{account}/kanmon-test-serving-*"],
            to("lambda.amazonaws.com", "codedeploy.amazonaws.com"),
        ),
    }


@pytest.mark.parametrize("role", sorted(TRUSTED))
def test_a_machines_role_trusts_one_service_and_no_other_account(role: str) -> None:
    properties = resources("AWS::IAM::Role")[role]["Properties"]
    [trust] = statements(properties["AssumeRolePolicyDocument"])

    assert trust["Principal"] == {"Service": TRUSTED[role]}
    if TRUSTED[role] != "lambda.amazonaws.com":  # Lambda assumes roles of its own account only
        operator = "StringEqualsIfExists" if role in NOT_TOLD else "StringEquals"
        assert trust["Condition"] == {operator: {"aws:SourceAccount": "123456789012"}}


@pytest.mark.parametrize("role", sorted(PEOPLE))
@pytest.mark.parametrize("needed", ["true", "false"])
def test_a_persons_role_trusts_this_account_and_asks_for_a_second_factor_on_demand(
    role: str, needed: str
) -> None:
    properties = resources("AWS::IAM::Role")[role]["Properties"]
    trust = statements(properties["AssumeRolePolicyDocument"], PeopleNeedMfa=needed)
    identity_center = "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/*"

    for statement in trust:
        assert statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
        assert (statement["Effect"], statement["Action"]) == ("Allow", ["sts:AssumeRole"])
    assert [statement.get("Condition") for statement in trust] == (
        [
            {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
            {"ArnLike": {"aws:PrincipalArn": identity_center}},
        ]
        if needed == "true"
        else [None]
    )


@pytest.mark.parametrize(
    ("principal", "context", "enters"),
    [
        ("user/ada", {"aws__MultiFactorAuthPresent": "true"}, True),
        ("user/ada", {"aws__MultiFactorAuthPresent": "false"}, False),
        ("user/ada", {}, False),  # long-term keys: nobody was asked for a factor
        # Sessions of Identity Center do not have the key.
        ("role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_0a1b2c3d4e5f6789", {}, True),
        ("role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Ops_0a1b", {}, True),
        ("role/team/AWSReservedSSO_Ops_0a1b", {}, False),  # anybody may choose such a name
    ],
)
def test_a_second_factor_is_asked_for_by_iam_or_by_identity_center(
    principal: str, context: dict[str, str], enters: bool
) -> None:
    assert may_assume("ApproverRole", principal, PeopleNeedMfa="true", **context) is enters
    assert may_assume("ApproverRole", principal, PeopleNeedMfa="false", **context)


def test_every_role_is_a_machines_or_a_persons() -> None:
    assert set(ROLES) == set(TRUSTED) | PEOPLE


def test_roles_have_no_policy_of_aws_and_no_name_but_those_that_the_workflow_chooses() -> None:
    for role in ROLES:
        properties = resources("AWS::IAM::Role")[role]["Properties"]
        assert resolve(properties.get("RoleName")) == GATHER_ROLES.get(role)
        assert all("Ref" in managed for managed in properties.get("ManagedPolicyArns", []))


def test_each_function_has_a_role_of_its_own() -> None:
    functions = resources("AWS::Lambda::Function")
    roles = {
        name: function["Properties"]["Role"]["Fn::GetAtt"][0]
        for name, function in functions.items()
    }

    assert roles == {name: f"{name.removesuffix('Function')}Role" for name in functions}


# IAM's own limits, in characters without white space. An ARN may be longer in an account than here.
ROOM = 1.15


def test_policies_are_within_what_iam_takes() -> None:
    for name, policy in resources("AWS::IAM::ManagedPolicy").items():
        assert size(resolve(policy["Properties"]["PolicyDocument"])) * ROOM < 6144, name
    for name, role in resources("AWS::IAM::Role").items():
        documents = [one["PolicyDocument"] for one in role["Properties"].get("Policies", [])]
        assert size(resolve(documents)) * ROOM < 10_240, name


def size(document: Any) -> int:
    return len(json.dumps(document, separators=(",", ":")))


def test_steps_write_below_their_own_folders_and_read_data_by_version_only() -> None:
    by_action: dict[str, set[str]] = {}
    for statement in granted("JobRole"):
        for action in statement["Action"]:
            by_action.setdefault(action, set()).update(statement["Resource"])
    bucket = "arn:aws:s3:::DataBucket"

    assert by_action["s3:PutObject"] == {
        *(f"{bucket}/runs/*/{step}/*" for step in ("preprocess", "train", "evaluate")),
        f"{bucket}/attempts/*/*/*-train-*/output/model/*",  # of a training job
    }
    data = {f"{bucket}/{folder}/*" for folder in ("datasets", "gathered")}
    assert by_action["s3:GetObjectVersion"] == data
    assert f"{bucket}/datasets/*" not in by_action["s3:GetObject"]
    assert not {action for action in by_action if action.startswith("s3:Delete")}


def test_what_is_scored_is_read_in_every_folder_but_kanmons_own() -> None:
    bucket = "arn:aws:s3:::DataBucket"
    [denial] = denied("ScoreJobRole")

    assert denial["Action"] == ["s3:GetObjectVersion"]
    assert denial["Resource"] == [f"{bucket}/{folder}/*" for folder in PRIVATE]


def test_a_monitoring_reads_what_batches_scored_in_any_folder_and_captures_and_labels() -> None:
    bucket = "arn:aws:s3:::DataBucket"
    [denial] = denied("MonitorJobRole")
    others = [folder for folder in PRIVATE if folder not in ("capture", "labels")]

    assert denial["Action"] == ["s3:GetObjectVersion"]
    assert denial["Resource"] == [f"{bucket}/{folder}/*" for folder in others]


def granting(pattern: str) -> dict[str, set[str]]:
    """The actions that match, by the role they are granted to."""
    found = {
        role: {a for s in granted(role) for a in s["Action"] if re.match(pattern, a)}
        for role in ROLES
    }
    return {role: actions for role, actions in found.items() if actions}


def test_nobody_may_delete_versions_of_data_sets_or_change_who_may_read_data() -> None:
    # A data scientist takes files out of the current data, a monitoring captured requests that it
    # has compacted; their versions stay. A steward deletes versions elsewhere:
    # tests/template/test_reach.py says where.
    assert granting(r"s3:(Delete|Put(?!Object$))") == {
        "DataScientistRole": {"s3:DeleteObject"},
        "MonitorJobRole": {"s3:DeleteObject"},
        "MonitorRole": {"s3:DeleteObject"},
        "StewardRole": {"s3:DeleteObjectVersion"},
        "TakeSnapshotRole": {"s3:DeleteObject"},  # a result that is there already
    }


def test_only_cloudformations_role_for_serving_makes_roles() -> None:
    assert set(granting(r"iam:(?!PassRole)")) == {"ServingDeployRole"}
    assert not granting(r"iam:(Attach|Create(?!Role$)|.*User|.*Group|UpdateLogin|SetDefault)")
    assert not granting(r"lambda:AddPermission|sts:")


def test_only_a_review_and_what_follows_it_may_decide_one() -> None:
    assert set(granting(r"codepipeline:PutApprovalResult")) == {
        "ApproverRole",
        *("FollowRegistryRole", "FollowReviewRole"),  # decide as a person did in the registry
    }
    assert set(granting(r"codepipeline:StartPipelineExecution")) == {
        *("OpenReleaseRole", "CloseReleaseRole"),  # which start what was kept
        "OperatorRole",
    }


def test_rules_call_their_functions_and_nothing_else_calls_from_outside() -> None:
    permissions = [entry["Properties"] for entry in resources("AWS::Lambda::Permission").values()]

    assert {permission["Principal"] for permission in permissions} == {"events.amazonaws.com"}
    assert all("SourceArn" in permission for permission in permissions)
    assert sorted(permission["FunctionName"]["Ref"] for permission in permissions) == [
        "CloseBatchFunction",
        "CloseMonitoringFunction",
        "CloseReleaseFunction",
        "FollowRegistryFunction",
        "FollowReviewFunction",
        *["RecordExperimentFunction"] * 2,  # of the stage's bus, and of monitorings that ended
        "ReportFailureFunction",
        "SendChatFunction",
        "SendMailFunction",
    ]


def test_every_denial_says_what_it_is_for() -> None:
    found = {
        statement["Sid"] for role in ROLES for statement in policies(role)
        if statement["Effect"] == "Deny"
    }  # fmt: skip

    assert found == {
        *("NeverApprove", "NeverBuild", "NeverChangeWhatIsReviewed"),
        "ReadNothingElseOfKanmonsOwn",
        "ReadNothingOfKanmonsOwn",
        "CodeOfTheFunctionDoesNot",
    }


def test_no_arn_in_the_template_names_the_partition_literally() -> None:
    assert not re.search(r"arn:aws\b", str(whole()["Resources"]))
