"""The template's policies put to IAM's rules: may this role do that to this resource?"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

from ministack.core import iam_evaluator

from tests.support.translation import policies, resolve, resources

ACCOUNT = "123456789012"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/ServingBoundary"
EVERYTHING = {"Sid": "Everything", "Effect": "Allow", "Action": ["*"], "Resource": ["*"]}


def may(role: str, action: str, resource: str, /, *others: str, **context: Any) -> bool:
    """Whether the role may; `others` are roles whose policies the same person also has.

    Context keys are written with two underscores for the colon: `iam__PassedToService`.
    """
    return decision([role, *others], action, resource, **context) == "Allow"


def decision(
    roles: Iterable[str], action: str, resource: str, separate: bool = True, **context: Any
) -> str:
    """Allow, Deny or ImplicitDeny, by the policies of all the roles together."""
    duties = "true" if separate else "false"
    granted = [_parsed_policies(role, duties) for role in roles]
    identity = iam_evaluator.evaluate(_question(action, resource, context), granted)
    return _with_bucket_policy(identity.decision, action, resource, context)


@cache
def _parsed_policies(role: str, separate: str) -> list[iam_evaluator.ParsedStatement]:
    return _parsed(policies(role, SeparateDuties=separate))


def may_assume(role: str, principal: str, /, PeopleNeedMfa: str, **context: Any) -> bool:  # noqa: N803
    """Whether the role's trust lets that principal of the account in, who may ask for it."""
    document = resources("AWS::IAM::Role")[role]["Properties"]["AssumeRolePolicyDocument"]
    trust = resolve(document, PeopleNeedMfa=PeopleNeedMfa)["Statement"]
    # Every principal of the account is meant; only the conditions tell them apart.
    asked = [{**statement, "Resource": ["*"]} for statement in trust]
    for statement in asked:
        assert statement.pop("Principal") == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    arn = f"arn:aws:iam::{ACCOUNT}:{principal}"
    question = _question("sts:AssumeRole", "*", {"aws__PrincipalArn": arn, **context})
    question = replace(question, principal_arn=arn)
    return iam_evaluator.evaluate(question, [_parsed(asked)]).decision == "Allow"


def bounded(action: str, resource: str, **context: Any) -> bool:
    """Whether a role may that a release's own template lets do everything, within the boundary."""
    boundary = resources("AWS::IAM::ManagedPolicy")["ServingBoundary"]["Properties"]
    limits = [_parsed(resolve(boundary["PolicyDocument"])["Statement"])]
    question = _question(action, resource, context)
    return iam_evaluator.evaluate(question, [_parsed([EVERYTHING])], limits).decision == "Allow"


def _with_bucket_policy(decided: str, action: str, resource: str, context: dict[str, Any]) -> str:
    """A bucket's policy denies whomever; what it allows is for services only."""
    question = _question(action, resource, context)
    for denials in _bucket_denials():
        if iam_evaluator.evaluate(question, [denials]).decision == "Deny":
            return "Deny"
    return decided


@cache
def _bucket_denials() -> list[list[iam_evaluator.ParsedStatement]]:
    policies = resources("AWS::S3::BucketPolicy").values()
    documents = [resolve(policy["Properties"]["PolicyDocument"]) for policy in policies]
    return [
        _parsed([one for one in document["Statement"] if one["Effect"] == "Deny"])
        for document in documents
    ]


def _question(action: str, resource: str, context: dict[str, Any]) -> iam_evaluator.EvalContext:
    return iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/somebody/session",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region="us-east-1",
        secure_transport=context.get("secure", True),
        service_context={
            key.replace("__", ":").replace("_", "-").lower(): value
            for key, value in context.items()
        },
    )


def _parsed(statements: list[dict[str, Any]]) -> list[iam_evaluator.ParsedStatement]:
    document = {"Version": "2012-10-17", "Statement": statements}
    return list(iam_evaluator.parse_policy_document(document))
