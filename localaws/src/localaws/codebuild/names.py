"""The ARNs of what CodeBuild keeps, and the resource that a request is about."""

from dataclasses import dataclass
from typing import Any

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
