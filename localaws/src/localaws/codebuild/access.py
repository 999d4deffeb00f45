"""What AWS asks IAM on its own side while it serves a request, beyond the request's own action."""

from localaws.codebuild.ports import PRINCIPAL, Ports
from localaws.credentials import Credentials, RoleRefusedError
from localaws.protocol.errors import ServiceError

NOT_ASSUMED = (
    "CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify that:"
    " 1) The provided service role exists, 2) The role name is case-sensitive and matches exactly,"
    " and 3) The role has the necessary trust policy configured"
)


def refused(message: str) -> ServiceError:
    return ServiceError("InvalidInputException", message)


def may_pass_role(ports: Ports, role: str) -> None:
    """Raise unless the caller may hand this role to CodeBuild, and CodeBuild may take it.

    The account's root may hand over every role.
    """
    if not role.startswith("arn:"):
        raise refused(f"Invalid service role: {role}")
    caller = ports.caller()
    context = {"iam:PassedToService": PRINCIPAL}
    if caller is not None and not ports.allowed(caller, "iam:PassRole", role, context):
        raise ServiceError(
            "AccessDeniedException",
            f"User: {ports.identity()} is not authorized to perform: iam:PassRole on resource:"
            f" {role} because no identity-based policy allows the iam:PassRole action",
        )
    assume(ports, role, "AWSCodeBuild")


def assume(ports: Ports, role: str, session: str) -> Credentials:
    """Return the role's credentials for CodeBuild."""
    try:
        return ports.assume(role, session)
    except RoleRefusedError as error:
        raise refused(NOT_ASSUMED) from error
