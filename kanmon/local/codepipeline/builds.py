"""`actions.codebuild.Builds` with the stage's own CodeBuild, in this process."""

import threading
from collections.abc import Mapping, Sequence

from kanmon.local.codepipeline.actions.codebuild import BuildError, Ended
from kanmon.local.codepipeline.ports import Acting, Allowed, Artifact
from kanmon.local.home import ACCOUNT, REGION


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
        self._require(acting, "codebuild:StartBuild", project)
        raise BuildError("ResourceNotFoundException", "CodeBuild is not there")

    def wait(self, acting: Acting, build: str, abandoned: threading.Event) -> Ended:
        self._require(acting, "codebuild:BatchGetBuilds", build.partition(":")[0])
        raise BuildError("ResourceNotFoundException", "CodeBuild is not there")

    def _require(self, acting: Acting, action: str, project: str) -> None:
        arn = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{project}"
        if not self._allowed(acting.role, action, arn):
            raise BuildError(
                "AccessDeniedException",
                f"User: {acting.role} is not authorized to perform: {action} on resource: {arn}",
            )
