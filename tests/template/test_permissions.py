"""Who may do what: every grant exists, says what for, and is as narrow as its action allows."""

import re
from functools import cache
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

from tests.template.translation import granted, resources, statements, translated

ROLES = sorted(resources("AWS::IAM::Role"))
GRANTS = [
    pytest.param(role, statement, id=f"{role}-{statement.get('Sid')}")
    for role in ROLES
    for statement in granted(role)
]
# The only statements on every resource, each because its actions can name none.
ON_EVERYTHING = {
    "SignInToTheRegistry": "ecr:GetAuthorizationToken signs in to all of ECR",
    "ShowCpuAndMemoryOfJobs": "cloudwatch:PutMetricData knows a namespace, not a resource",
    "SendTraces": "X-Ray segments belong to no resource",
    "DeliverTheWorkflowsLog": "log delivery is set up per account",
}
TRUSTED = {
    "JobRole": "sagemaker.amazonaws.com",
    "RetrainStateMachineRole": "states.amazonaws.com",
    "OpenRunRole": "lambda.amazonaws.com",
    "JudgeCandidateRole": "lambda.amazonaws.com",
    "CloseRunRole": "lambda.amazonaws.com",
    "ReportFailureRole": "lambda.amazonaws.com",
}


def resource_formats(action: str) -> list[str]:
    """The ARNs an action can be granted on; empty if it names no resource."""
    service, name = action.split(":")
    rows = get_action_data(service, name)
    assert rows, f"{action} does not exist"
    return [
        row["resource_arn_format"] for row in rows[service] if row["resource_arn_format"] != "*"
    ]


def fits(arn: str, arn_format: str) -> bool:
    """Whether some ARN of the format is among those granted; both may have wildcards."""
    return overlap(arn, re.sub(r"\$\{\w+\}", "*", arn_format))


@cache
def overlap(one: str, other: str) -> bool:
    if "*" in (one[:1], other[:1]):
        if one[:1] != "*":
            one, other = other, one
        return overlap(one[1:], other) or (other != "" and overlap(one, other[1:]))
    if not one or not other:
        return one == other
    return one[0] == other[0] and overlap(one[1:], other[1:])


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
        assert [action for action in statement["Action"] if resource_formats(action)] == []
        return
    for action in statement["Action"]:
        formats = resource_formats(action)
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
        for role in ROLES
        for statement in granted(role)
        if "*" in statement["Resource"]
    }

    assert found == set(ON_EVERYTHING)


def test_only_the_workflow_passes_a_role_and_only_the_jobs_role_to_sagemaker() -> None:
    passing = [
        (role, statement)
        for role in ROLES
        for statement in granted(role)
        if "iam:PassRole" in statement["Action"]
    ]

    assert passing == [
        (
            "RetrainStateMachineRole",
            {
                "Sid": "GiveStepsTheirRole",
                "Effect": "Allow",
                "Action": ["iam:PassRole"],
                "Resource": ["arn:aws:iam::123456789012:role/JobRole"],
                "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            },
        )
    ]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_trusts_one_service_and_no_other_account(role: str) -> None:
    properties = resources("AWS::IAM::Role")[role]["Properties"]
    [trust] = statements(properties["AssumeRolePolicyDocument"])

    assert trust["Principal"] == {"Service": TRUSTED[role]}
    if TRUSTED[role] != "lambda.amazonaws.com":  # Lambda assumes roles of its own account only
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_roles_have_no_name_and_no_policy_of_aws() -> None:
    for role in ROLES:
        properties = resources("AWS::IAM::Role")[role]["Properties"]
        assert "RoleName" not in properties
        assert all("Ref" in managed for managed in properties.get("ManagedPolicyArns", []))


def test_each_function_has_a_role_of_its_own() -> None:
    functions = resources("AWS::Lambda::Function").values()
    roles = [function["Properties"]["Role"]["Fn::GetAtt"][0] for function in functions]

    assert len(set(roles)) == len(roles) == 4


def test_steps_write_below_their_own_folders_and_read_data_by_version_only() -> None:
    by_action: dict[str, set[str]] = {}
    for statement in granted("JobRole"):
        for action in statement["Action"]:
            by_action.setdefault(action, set()).update(statement["Resource"])
    bucket = "arn:aws:s3:::DataBucket"

    assert by_action["s3:PutObject"] == {
        f"{bucket}/runs/*/{step}/*" for step in ("preprocess", "train", "evaluate")
    }
    assert by_action["s3:GetObjectVersion"] == {f"{bucket}/datasets/*"}
    assert f"{bucket}/datasets/*" not in by_action["s3:GetObject"]
    assert not {action for action in by_action if action.startswith("s3:Delete")}


def test_nobody_may_delete_data_or_change_who_may_read_it() -> None:
    actions = {
        action for role in ROLES for statement in granted(role) for action in statement["Action"]
    }

    assert not {action for action in actions if re.match(r"s3:(Delete|Put(?!Object$))", action)}
    assert not {action for action in actions if action.startswith("iam:")} - {"iam:PassRole"}


def test_the_status_rule_may_call_report_failure_and_nothing_else_may_call_from_outside() -> None:
    [(_, permission)] = resources("AWS::Lambda::Permission").items()

    assert permission["Properties"]["Principal"] == "events.amazonaws.com"
    assert permission["Properties"]["FunctionName"] == {"Ref": "ReportFailureFunction"}
    assert "SourceArn" in permission["Properties"]


def test_no_arn_in_the_template_names_the_partition_literally() -> None:
    assert not re.search(r"arn:aws\b", str(translated()["Resources"]))
