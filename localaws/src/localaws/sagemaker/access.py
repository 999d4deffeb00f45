"""What AWS asks IAM on its own side while it serves a request, beyond the request's own action."""

from collections.abc import Mapping
from typing import Any

from localaws.protocol.errors import ServiceError, invalid
from localaws.sagemaker.ports import PRINCIPAL, Ports, RoleCredentials, RoleRefusedError


class Access:
    """Checks of the current request's caller. The account's root may do everything."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def may_pass_role(self, role: str) -> None:
        """Raise unless the caller may hand this role to SageMaker."""
        self._require("iam:PassRole", role, {"iam:PassedToService": PRINCIPAL})

    def may_tag(self, arn: str, tags: object) -> None:
        """Raise unless the caller may give tags to what it creates, if it gives any."""
        if tags:
            self._require("sagemaker:AddTags", arn, {})

    def assume(self, role: str, session: str) -> RoleCredentials:
        """Return the role's credentials for SageMaker, or raise as Create operations do."""
        try:
            return self._ports.assume(role, session)
        except RoleRefusedError as error:
            raise invalid(
                f"Could not assume role {role}. Please ensure that the role exists and allows"
                f" principal '{PRINCIPAL}' to assume the role."
            ) from error

    def _require(self, action: str, resource: str, context: Mapping[str, Any]) -> None:
        caller = self._ports.caller()
        if caller is None or self._ports.allowed(caller, action, resource, context):
            return
        raise ServiceError(
            "AccessDeniedException",
            f"User: {caller} is not authorized to perform: {action} on resource: {resource}"
            f" because no identity-based policy allows the {action} action",
        )
