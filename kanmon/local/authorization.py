"""IAM inside the server: decisions for what runs in-process, credentials of roles, the record.

What arrives over HTTP is decided by the gateway. What AWS checks on its own side, without a
request of the caller (iam:PassRole, the rule that `.sync` integrations need, a job's image pull),
asks `allowed` here. Both write to the same record, so a test can hold grants against uses.
"""

import json
import secrets
import threading
from dataclasses import dataclass
from typing import Any, TextIO

from kanmon.local.home import REGION, Home
from kanmon.local.patches import access


class RoleError(Exception):
    """The role does not exist, or does not trust the service that wants to act as it."""


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of a role."""

    access_key: str
    secret_key: str
    session_token: str

    def environment(self) -> dict[str, str]:
        """Return them as the environment variables that the SDKs read."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.session_token,
        }


class Record:
    """The file of decisions; one line each, complete as soon as the decision is made."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    def add(self, role: str, action: str, resource: str, allowed: bool) -> None:
        line = json.dumps(
            {"role": role, "action": action, "resource": resource, "allowed": allowed}
        )
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()


_record: Record | None = None


def open_record(home: Home) -> Record:
    """Open the record of this home; decisions made from now on are appended."""
    global _record
    _record = Record(home.authorizations.open("a"))
    return _record


def allowed(
    role_arn: str, action: str, resource: str, context: dict[str, Any] | None = None
) -> bool:
    """Decide, and record, whether the role may do this. A role that is not there may nothing."""
    role = _name(role_arn)
    answer = access.decide(role, action, resource, REGION, context or {})
    if _record:
        _record.add(role, action, resource, answer)
    return answer


def assume(role_arn: str, service: str, session: str) -> Credentials:
    """Return credentials of the role for an AWS service, such as "sagemaker.amazonaws.com".

    Raises RoleError. Like AWS, a role that forgets to trust the service fails here, not later.
    """
    role = _name(role_arn)
    if not access.role_exists(role):
        raise RoleError(f"the role {role_arn} does not exist")
    if not access.role_trusts(role, service):
        raise RoleError(f"the role {role_arn} cannot be assumed by {service}: see its trust policy")
    credentials = Credentials(
        access_key="ASIA" + secrets.token_hex(8).upper(),
        secret_key=secrets.token_urlsafe(30),
        session_token=secrets.token_urlsafe(48),
    )
    access.open_session(
        role,
        session[:64],
        credentials.access_key,
        credentials.secret_key,
        credentials.session_token,
    )
    return credentials


def _name(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]
