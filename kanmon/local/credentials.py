"""Temporary credentials an AWS service takes to act as a role of the template.

On AWS, Step Functions, SageMaker and Lambda assume the role they are given; the role's trust
policy must name the service. Nothing but the service itself can do that, so it happens inside
the stage's process and not through `sts:AssumeRole`.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

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


def assume_as_service(role_arn: str, service: str, session_name: str) -> Credentials:
    """Credentials of `role_arn` for `service` (e.g. `states.amazonaws.com`).

    Raises RoleRefusedError, worded as AWS words it.
    """
    from ministack.core.iam_evaluator import evaluate_trust_policy
    from ministack.services import iam, sts

    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    role = iam._roles.get_scoped(account, None, name)
    if role is None or not evaluate_trust_policy(role["AssumeRolePolicyDocument"], service):
        raise RoleRefusedError(
            f"The role {role_arn} cannot be assumed by {service}. Check that it exists and that "
            f"its trust policy allows sts:AssumeRole to {service}."
        )
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
            "SessionPolicies": None,
        },
    )
    return credentials
