"""`actions.codebuild.Builds` with the stage's own CodeBuild, in this process."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from localaws import codebuild
from localaws.codebuild.handover import Handover, PipelineArtifact
from localaws.codepipeline.actions.codebuild import BuildError, Ended
from localaws.codepipeline.ports import Acting, Allowed, Artifact
from localaws.home import ACCOUNT, REGION
from localaws.protocol.errors import ServiceError, not_here

# A build's end is told at once; this is how soon a thread sees that nobody waits for it any more.
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
    """What the phase that failed says about it."""
    for phase in build.get("phases", []):
        for context in phase.get("contexts", []):
            if context.get("message"):
                return str(context["message"])
    return None
