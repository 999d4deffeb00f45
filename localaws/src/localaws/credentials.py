"""Temporary credentials an AWS service takes to act as a role of the template.

On AWS, Step Functions, SageMaker and Lambda assume the role they are given; the role's trust
policy must name the service. Nothing but the service itself can do that, so it happens inside
the stage's process and not through `sts:AssumeRole`.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

LIFETIME_SECONDS = 12 * 3600


class RoleRefusedError(Exception):
    """The role does not exist, or its trust policy does not name the service."""


@dataclass(frozen=True)
class Credentials:
    """What a client needs to sign requests as the role."""

    access_key: str
    secret_key: str
    session_token: str

    def environment(self) -> dict[str, str]:
        """The same, in the variables every AWS SDK reads."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.session_token,
        }


def assume_as_service(
    role_arn: str, service: str, session_name: str, policy: dict[str, Any] | None = None
) -> Credentials:
    """Credentials of `role_arn` for `service` (e.g. `states.amazonaws.com`).

    A session policy limits what the role may do with them. Raises RoleRefusedError, worded as AWS
    words it.
    """
    from ministack.services import sts

    role = check_trust(role_arn, service)
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    credentials = Credentials(
        access_key="ASIA" + secrets.token_hex(8).upper(),
        secret_key=secrets.token_urlsafe(30),
        session_token=secrets.token_urlsafe(60),
    )
    sts.register_session(
        credentials.access_key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}",
            "UserId": f"{role.get('RoleId', name)}:{session_name}",
            "SecretAccessKey": credentials.secret_key,
            "SessionToken": credentials.session_token,
            "Expiration": time.time() + LIFETIME_SECONDS,
            "AccountId": account,
            "PrincipalType": "AssumedRole",
            "SourceAccessKeyId": None,
            "SourcePrincipalArn": service,
            "SessionTags": [],
            "SessionPolicies": {"Policy": json.dumps(policy), "PolicyArns": []} if policy else None,
        },
    )
    return credentials


def check_trust(role_arn: str, service: str) -> dict[str, Any]:
    """The role, which trusts the service. Raises RoleRefusedError, worded as AWS words it."""
    from ministack.services import iam

    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    role = iam._roles.get_scoped(account, None, name)
    if role is None or not _trusts(role["AssumeRolePolicyDocument"], service, role_arn):
        raise RoleRefusedError(
            f"The role {role_arn} cannot be assumed by {service}. Check that it exists and that "
            f"its trust policy allows sts:AssumeRole to {service}."
        )
    return dict(role)


def _trusts(document: str | dict[str, Any], service: str, role_arn: str) -> bool:
    """Whether a trust policy lets `service`, acting for this account, assume the role."""
    from ministack.core.iam_evaluator import EvalContext, evaluate_trust_policy

    account = role_arn.split(":")[4]
    context = EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region="",
        service_context={"aws:sourceaccount": account},
    )
    policy = json.loads(document) if isinstance(document, str) else document
    # MiniStack matches no service principal by name, so the statements that name this one are
    # picked here and the rest of the evaluation (actions, conditions, denials) is MiniStack's.
    statements = [
        {**statement, "Principal": "*"}
        for statement in policy["Statement"]
        if service in _named_services(statement.get("Principal"))
    ]
    return bool(evaluate_trust_policy({**policy, "Statement": statements}, service, context))


def _named_services(principal: Any) -> list[str]:
    named = principal.get("Service", []) if isinstance(principal, dict) else []
    return [named] if isinstance(named, str) else list(named)
