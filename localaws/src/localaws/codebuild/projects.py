"""Build projects, and what one build of a project is made from."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from localaws.codebuild.account import Names, Ports, may_pass_role, plain, refused
from localaws.codebuild.files import Source, destination
from localaws.codebuild.shell import merged
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


@dataclass(frozen=True)
class PipelineArtifact:
    """An artifact of a pipeline: its name there, and the zip that is or will be its content."""

    name: str
    bucket: str
    key: str
    version: str | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.bucket}/{self.key}"


@dataclass(frozen=True)
class Handover:
    """A build as a pipeline's action wants it; the output is the buildspec's `artifacts`."""

    initiator: str
    """Such as "codepipeline/release"."""
    source: PipelineArtifact
    output: PipelineArtifact | None = None
    variables: Sequence[Mapping[str, str]] = field(default=())
    """As StartBuild's environmentVariablesOverride: {"name", "value", "type"}."""
    revision: str | None = None
    """The source's revision, as the pipeline knows it."""


@dataclass(frozen=True)
class Order:
    """What a build works on, settled at its start from project, request and pipeline."""

    source: Source | None
    buildspec: str
    """One itself, the path of one in the source, an S3 ARN of one, or nothing."""
    artifacts: Mapping[str, Any]
    """As the project's; of type CODEPIPELINE, the output takes its place."""
    output: PipelineArtifact | None = None


# Member of StartBuild → where in the project it replaces something.
OVERRIDES: Mapping[str, tuple[str, ...]] = {
    "artifactsOverride": ("artifacts",),
    "buildspecOverride": ("source", "buildspec"),
    "serviceRoleOverride": ("serviceRole",),
    "sourceLocationOverride": ("source", "location"),
    "sourceTypeOverride": ("source", "type"),
    "sourceVersion": ("sourceVersion",),
    "timeoutInMinutesOverride": ("timeoutInMinutes",),
}
HANDLED = {"environmentVariablesOverride", "idempotencyToken", "projectName"}


def settled(project: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """The project as this request wants it; raises for what AWS or this stage refuses."""
    result = {**project, "source": dict(project["source"])}
    result["environment"] = dict(project["environment"])
    for member, value in request.items():
        if member in HANDLED:
            continue
        if member not in OVERRIDES:
            raise not_here(f"StartBuild's {member}")
        *parents, key = OVERRIDES[member]
        inside = result[parents[0]] if parents else result
        inside[key] = value
    result["environment"]["environmentVariables"] = merged(
        project["environment"].get("environmentVariables", ()),
        request.get("environmentVariablesOverride", ()),
    )
    if project["artifacts"]["type"] == "CODEPIPELINE" and "artifactsOverride" not in request:
        raise refused("ArtifactsOverride must be set when using artifacts type CodePipelines")
    if result["source"]["type"] == "CODEPIPELINE":
        raise refused("SourceTypeOverride must be set when using source type CodePipelines")
    check(result)
    return result


def handed_over(project: Mapping[str, Any], handover: Handover) -> dict[str, Any]:
    """The project as a pipeline's action wants it: sources and artifacts are the pipeline's."""
    environment = dict(project["environment"])
    environment["environmentVariables"] = merged(
        environment.get("environmentVariables", ()), handover.variables
    )
    result = {**project, "environment": environment}
    result["source"] = {**project["source"], "type": "CODEPIPELINE"}
    result["source"].pop("location", None)
    result["artifacts"] = {"type": "CODEPIPELINE"}
    result["sourceVersion"] = handover.source.arn
    return result


def order_of(settings: Mapping[str, Any], handover: Handover | None) -> Order:
    """What the build works on, from its settled settings."""
    source = None
    if handover:
        given = handover.source
        source = Source(f"{given.bucket}/{given.key}", given.version)
    elif settings["source"]["type"] == "S3":
        source = Source(settings["source"]["location"], settings.get("sourceVersion") or None)
    return Order(
        source=source,
        buildspec=settings["source"].get("buildspec", ""),
        artifacts=settings["artifacts"],
        output=handover.output if handover else None,
    )


def first_artifacts(settings: Mapping[str, Any], order: Order, build_id: str) -> dict[str, Any]:
    """What a build shows of its artifacts before there are any."""
    if order.artifacts["type"] == "CODEPIPELINE":
        return {"location": order.output.arn} if order.output else {}
    if order.artifacts["type"] != "S3":
        return {"location": ""}
    name = order.artifacts.get("name") or settings["name"]
    told = ("overrideArtifactName", "encryptionDisabled")
    return {
        "location": destination(order.artifacts, build_id, name).arn,
        **{key: order.artifacts[key] for key in told if key in order.artifacts},
    }


def log_place(settings: Mapping[str, Any], names: Names, build_id: str) -> dict[str, Any]:
    """Where the build's log is, or that it has none."""
    wanted = settings.get("logsConfig", {}).get("cloudWatchLogs", {})
    logs: dict[str, Any] = {
        "cloudWatchLogs": {"status": "ENABLED", **wanted},
        "s3Logs": {"status": "DISABLED", "encryptionDisabled": False},
    }
    if wanted.get("status") == "DISABLED":
        return logs
    group = wanted.get("groupName") or f"/aws/codebuild/{settings['name']}"
    unique = build_id.partition(":")[2]
    stream = f"{wanted['streamName']}/{unique}" if wanted.get("streamName") else unique
    console = "https://console.aws.amazon.com/cloudwatch/home"
    shown_group, shown_stream = (twice_quoted(part) for part in (group, stream))
    return {
        **logs,
        "groupName": group,
        "streamName": stream,
        "deepLink": f"{console}?region={names.region}#logsV2:log-groups/log-group/{shown_group}"
        f"/log-events/{shown_stream}",
        "cloudWatchLogsArn": f"{names.log_group(group)}:log-stream:{stream}",
    }


def twice_quoted(text: str) -> str:
    """The console's own way of writing a name into the part of an address behind the "#".

    >>> twice_quoted("/aws/codebuild")
    '$252Faws$252Fcodebuild'
    """
    return quote(quote(text, safe=""), safe="").replace("%", "$")
