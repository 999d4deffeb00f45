"""The account as CodeBuild sees it: its ARNs, what the rest of the stage does for it, its roles."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from localaws.credentials import Credentials, RoleRefusedError
from localaws.emulator import Event
from localaws.protocol.errors import ServiceError

PRINCIPAL = "codebuild.amazonaws.com"


class Allowed(Protocol):
    """Decides, and records, whether a role may do something; decisions are IAM's."""

    def __call__(
        self, role: str, action: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> bool: ...


@dataclass(frozen=True)
class Ports:
    """The stage, as seen from here. Everything may be called from any thread."""

    endpoint: Callable[[], str]
    """The gateway's address, such as http://127.0.0.1:45231."""
    caller: Callable[[], str | None]
    """The ARN of the role that makes the current request; None for the account's root."""
    identity: Callable[[], str]
    """The full ARN of who makes the current request, a role's session with its name."""
    allowed: Allowed
    assume: Callable[[str, str], Credentials]
    """Credentials of a role (ARN, session name) for CodeBuild; raises RoleRefusedError."""
    parameters: Callable[[Credentials, Sequence[str]], Mapping[str, str]]
    """Values of Parameter Store by name, read as a role; raises ParametersError."""
    emit: Callable[[Event], None]
    log_group_exists: Callable[[str], bool]
    write_log: Callable[[str, str, Sequence[tuple[int, str]]], None]
    """Append (milliseconds, line) to a log group's stream, making both where needed."""
    changed: Callable[[], None]
    """Called after every change of the state, so that it can be saved."""


class ParametersError(Exception):
    """A parameter is not there, or the role may not read it; worded as AWS words it."""


TARGET_PREFIX = "CodeBuild_20161006."
EVERYTHING = "*"


@dataclass(frozen=True)
class Names:
    """Makes ARNs in one region and account."""

    region: str
    account: str

    def project(self, name: str) -> str:
        """
        >>> Names("us-east-1", "123456789012").project("verify")
        'arn:aws:codebuild:us-east-1:123456789012:project/verify'
        """
        return f"arn:aws:codebuild:{self.region}:{self.account}:project/{name}"

    def build(self, build_id: str) -> str:
        return f"arn:aws:codebuild:{self.region}:{self.account}:build/{build_id}"

    def log_group(self, group: str) -> str:
        return f"arn:aws:logs:{self.region}:{self.account}:log-group:{group}"

    @property
    def default_key(self) -> str:
        """The key that artifacts are encrypted with where the project names none."""
        return f"arn:aws:kms:{self.region}:{self.account}:alias/aws/s3"


def plain(reference: str) -> str:
    """The name in an ARN of a project or a build, or the name itself where it is none.

    >>> plain("arn:aws:codebuild:us-east-1:123456789012:build/verify:1f0c")
    'verify:1f0c'
    """
    return reference.partition("/")[2] if reference.startswith("arn:") else reference


def project_of(build: str) -> str:
    """The name of the project that a build (an id or an ARN) belongs to.

    >>> project_of("verify:1f0c")
    'verify'
    """
    return plain(build).partition(":")[0]


def resource_arn(action: str, request: dict[str, Any], region: str, account: str) -> str:
    """Return the resource an IAM policy is held against, "*" where the action has none.

    Builds are held against their project. Decided by the request alone, before it is checked.
    """
    projects = {str(name) for name in _projects(action, request) if name}
    # A request about several projects needs the right to all of them; only "*" says that.
    return Names(region, account).project(projects.pop()) if len(projects) == 1 else EVERYTHING


def _projects(action: str, request: dict[str, Any]) -> list[str]:
    if action in ("CreateProject", "UpdateProject", "DeleteProject"):
        return [plain(str(request.get("name") or ""))]
    if action == "StartBuild":
        return [plain(str(request.get("projectName") or ""))]
    if action == "StopBuild":
        return [project_of(str(request.get("id") or ""))]
    if action == "BatchGetBuilds":
        return [project_of(str(build)) for build in _listed(request.get("ids"))]
    if action == "BatchGetProjects":
        return [plain(str(name)) for name in _listed(request.get("names"))]
    return []


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


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
