"""Build and Test by CodeBuild: a build with the pipeline's artifacts."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from localaws import codebuild
from localaws.codebuild.projects import Handover, PipelineArtifact
from localaws.codepipeline.account import (
    Acting,
    ActionError,
    Allowed,
    Artifact,
    Names,
    Result,
    Task,
)
from localaws.home import ACCOUNT, REGION
from localaws.protocol.errors import ServiceError, not_here

VARIABLE_TYPES = ("PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER")


class BuildError(Exception):
    """CodeBuild did not take the build; `code` is AWS's, such as AccessDeniedException."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Ended:
    """How a build ended; `status` is CodeBuild's, such as SUCCEEDED."""

    status: str
    exported: Mapping[str, str]
    reason: str | None = None
    """Why a build failed."""


class Builds(Protocol):
    """CodeBuild as a role sees it."""

    def start(
        self,
        acting: Acting,
        project: str,
        initiator: str,
        sources: Sequence[Artifact],
        outputs: Sequence[Artifact],
        variables: Sequence[Mapping[str, str]],
    ) -> str:
        """Start a build (the first source is the primary one); return its id, or BuildError."""

    def wait(self, acting: Acting, build: str, abandoned: threading.Event) -> Ended:
        """Wait for the end of a build, or until the action is abandoned; or BuildError."""


class CodeBuildAction:
    """The provider "CodeBuild"."""

    def __init__(self, builds: Builds, names: Names) -> None:
        self._builds = builds
        self._names = names

    def __call__(self, task: Task) -> Result:
        project = task.configuration["ProjectName"]
        primary = task.configuration.get("PrimarySource", task.inputs[0].name)
        sources = sorted(task.inputs, key=lambda artifact: artifact.name != primary)
        variables = build_variables(task.configuration.get("EnvironmentVariables", "[]"))
        initiator = f"codepipeline/{task.pipeline}"
        try:
            build = self._builds.start(
                task.acting, project, initiator, sources, task.outputs, variables
            )
        except BuildError as error:
            raise refused("startBuild", error) from error
        url = (
            f"https://console.aws.amazon.com/codebuild/home?region={self._names.region}"
            f"#/builds/{build}/view/new"
        )
        task.report(build, url)
        try:
            ended = self._builds.wait(task.acting, build, task.abandoned)
        except BuildError as error:
            raise refused("batchGetBuilds", error, build) from error
        words = f"Build terminated with state: {ended.status}"
        if ended.status != "SUCCEEDED":
            reason = f". {ended.reason}" if ended.reason else ""
            raise ActionError("JobFailed", f"{words}{reason}", build)
        return Result(None, build, url, ended.exported)


def refused(call: str, error: BuildError, build: str | None = None) -> ActionError:
    kind = "PermissionError" if "AccessDenied" in error.code else "ConfigurationError"
    return ActionError(kind, f"Error calling {call}. Error code: {error.code}. {error}", build)


def build_variables(text: str) -> list[dict[str, str]]:
    """Read the action's EnvironmentVariables, a JSON list; raises ActionError.

    >>> build_variables('[{"name": "A", "value": "1"}]')
    [{'name': 'A', 'value': '1', 'type': 'PLAINTEXT'}]
    """
    try:
        given: Any = json.loads(text)
        variables = [
            {"name": one["name"], "value": one["value"], "type": one.get("type", "PLAINTEXT")}
            for one in given
        ]
        well_formed = (
            isinstance(given, list)
            and all(isinstance(value, str) for variable in variables for value in variable.values())
            and all(variable["type"] in VARIABLE_TYPES for variable in variables)
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        well_formed = False
    if not well_formed:
        raise ActionError(
            "ConfigurationError",
            "EnvironmentVariables must be a JSON list of objects with name, value and type"
            f" ({', '.join(VARIABLE_TYPES)})",
        )
    return variables


# A build's end wakes the thread; this is how soon it sees that the action was abandoned.
LOOK_SECONDS = 1.0


class StageBuilds:
    """CodeBuild as a role sees it: IAM decides about the role before anything is done."""

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed

    def start(
        self,
        acting: Acting,
        project: str,
        initiator: str,
        sources: Sequence[Artifact],
        outputs: Sequence[Artifact],
        variables: Sequence[Mapping[str, str]],
    ) -> str:
        if len(sources) > 1 or len(outputs) > 1:
            missing = not_here("CodeBuild actions with more than one input or output artifact")
            raise BuildError(missing.code, str(missing))
        self._require(acting, "codebuild:StartBuild", project)
        handover = Handover(
            initiator=initiator,
            source=handed(sources[0]),
            output=handed(outputs[0]) if outputs else None,
            variables=variables,
            revision=sources[0].revision,
        )
        try:
            return codebuild.start_for_pipeline(project, handover)
        except ServiceError as error:
            raise BuildError(error.code, str(error)) from error

    def wait(self, acting: Acting, build: str, abandoned: threading.Event) -> Ended:
        self._require(acting, "codebuild:BatchGetBuilds", build.partition(":")[0])
        while not codebuild.wait(build, LOOK_SECONDS) and not abandoned.is_set():
            pass
        try:
            found = codebuild.describe(build)
        except ServiceError as error:
            raise BuildError(error.code, str(error)) from error
        exported = found.get("exportedEnvironmentVariables", [])
        return Ended(
            status=found["buildStatus"],
            exported={variable["name"]: variable["value"] for variable in exported},
            reason=reason_of(found),
        )

    def _require(self, acting: Acting, action: str, project: str) -> None:
        arn = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{project}"
        if not self._allowed(acting.role, action, arn):
            raise BuildError(
                "AccessDeniedException",
                f"User: {acting.role} is not authorized to perform: {action} on resource: {arn}",
            )


def handed(artifact: Artifact) -> PipelineArtifact:
    return PipelineArtifact(artifact.name, artifact.bucket, artifact.key)


def reason_of(build: Mapping[str, Any]) -> str | None:
    """Why the phase that failed did."""
    for phase in build.get("phases", []):
        for context in phase.get("contexts", []):
            if context.get("message"):
                return str(context["message"])
    return None
