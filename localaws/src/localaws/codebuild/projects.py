"""Build projects: what may be asked of one, and what is kept of it."""

import time
from collections.abc import Mapping
from typing import Any

from localaws.codebuild.access import may_pass_role, refused
from localaws.codebuild.names import Names, plain
from localaws.codebuild.ports import Ports
from localaws.protocol.errors import ServiceError, not_here

BROUGHT = ("S3", "CODEPIPELINE", "NO_SOURCE")
LEFT_OUT = (
    *("secondarySources", "secondarySourceVersions", "secondaryArtifacts"),
    *("buildBatchConfig", "fileSystemLocations"),
)
DEFAULTS: Mapping[str, Any] = {
    "timeoutInMinutes": 60,
    "queuedTimeoutInMinutes": 480,
    "cache": {"type": "NO_CACHE"},
    "badge": {"badgeEnabled": False},
}


class Projects:
    """All projects of the account, by name."""

    def __init__(self, ports: Ports, names: Names) -> None:
        self._ports = ports
        self._names = names
        self.state: dict[str, dict[str, Any]] = {}

    def operations(self) -> dict[str, Any]:
        return {
            "CreateProject": self.create,
            "UpdateProject": self.update,
            "DeleteProject": self.delete,
            "BatchGetProjects": self.batch_get,
        }

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["name"]
        if name in self.state:
            raise ServiceError(
                "ResourceAlreadyExistsException",
                f"Project already exists: {self._names.project(name)}",
            )
        now = time.time()
        project = {
            **DEFAULTS,
            "encryptionKey": self._names.default_key,
            **given(request),
            "arn": self._names.project(name),
            "created": now,
            "lastModified": now,
        }
        check(project)
        may_pass_role(self._ports, project["serviceRole"])
        self.state[name] = project
        self._ports.changed()
        return {"project": project}

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        project = self.find(request["name"])
        changed = {**project, **given(request), "lastModified": time.time()}
        check(changed)
        if "serviceRole" in request:
            may_pass_role(self._ports, request["serviceRole"])
        self.state[project["name"]] = changed
        self._ports.changed()
        return {"project": changed}

    def delete(self, request: dict[str, Any]) -> None:
        """Forget a project. One that is not there is as good as deleted; its builds stay."""
        self.state.pop(plain(request["name"]), None)
        self._ports.changed()

    def batch_get(self, request: dict[str, Any]) -> dict[str, Any]:
        found = {name: self.state.get(plain(name)) for name in request["names"]}
        return {
            "projects": [project for project in found.values() if project],
            "projectsNotFound": [name for name, project in found.items() if not project],
        }

    def find(self, name: str) -> dict[str, Any]:
        project = self.state.get(plain(name))
        if project is None:
            raise ServiceError(
                "ResourceNotFoundException",
                f"Project cannot be found: {self._names.project(plain(name))}",
            )
        return project


def given(request: Mapping[str, Any]) -> dict[str, Any]:
    """The settings a request gives, where the answer names them otherwise under that name."""
    settings = {key: value for key, value in request.items() if key != "badgeEnabled"}
    if "badgeEnabled" in request:
        settings["badge"] = {"badgeEnabled": request["badgeEnabled"]}
    return settings


def check(project: Mapping[str, Any]) -> None:
    """Raise for what AWS refuses of a project, or what this stage does not have."""
    source, artifacts = project["source"], project["artifacts"]
    if (source["type"] == "CODEPIPELINE") != (artifacts["type"] == "CODEPIPELINE"):
        raise refused(
            "Invalid input: when using CodePipeline both sourceType, and artifactType must be set"
            " to: CODEPIPELINE"
        )
    check_source(source)
    check_artifacts(artifacts)
    for member in LEFT_OUT:
        if project.get(member):
            raise not_here(f"a build project's {member}")
    if not project["environment"]["type"].startswith(("LINUX", "ARM")):
        raise not_here(f"build environments of type {project['environment']['type']}")
    if project.get("logsConfig", {}).get("s3Logs", {}).get("status") == "ENABLED":
        raise not_here("build logs in S3 (logsConfig.s3Logs)")


def check_source(source: Mapping[str, Any]) -> None:
    if source["type"] not in BROUGHT:
        raise not_here(f"build sources of type {source['type']}, only {', '.join(BROUGHT)}")
    if source["type"] == "S3" and "/" not in source.get("location", ""):
        raise refused("Project source location is required")
    if source["type"] == "NO_SOURCE" and not source.get("buildspec"):
        raise refused("Invalid input: a project of source type NO_SOURCE must have a buildspec")


def check_artifacts(artifacts: Mapping[str, Any]) -> None:
    if artifacts["type"] == "S3" and not artifacts.get("location"):
        raise refused("Project artifacts location is required")
    if artifacts["type"] == "S3" and "/" in artifacts["location"]:
        raise refused("Invalid artifacts: location must be a valid S3 bucket name")
