"""What a build is made from: its project, with what the request or the pipeline overrides."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from localaws.codebuild import projects
from localaws.codebuild.access import refused
from localaws.codebuild.artifacts import destination
from localaws.codebuild.environment import merged
from localaws.codebuild.handover import Handover, Order
from localaws.codebuild.names import Names
from localaws.codebuild.sources import Source
from localaws.protocol.errors import not_here

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
    projects.check(result)
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
    """What a build tells of its artifacts before there are any."""
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
