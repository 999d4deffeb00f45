"""Executions of the release pipeline: their status, and their actions in pipeline order."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from core.stage.release_pipeline import PENDING, SKIPPED, Action, Execution, Pipeline
from kanmon.releases.records import champion_of, deployment_lock_of

if TYPE_CHECKING:
    from core.stage.release_records import Release
    from kanmon.stage.connection import Connection

# The pipeline of template.yaml, so that actions that have not begun are shown, too.
LAYOUT: dict[str, tuple[str, ...]] = {
    "Source": ("Bundle",),
    "Review": ("ApproveRelease",),
    "Verify": ("AdmitRelease", "VerifyRelease"),
    "Promote": ("ConfirmRelease", "DeployRelease"),
    "Redeploy": ("AdmitRelease", "DeployRelease"),
    "Record": ("RecordRelease",),
}


# Of an execution that repeats no verification, and of the others.
WITHOUT_VERIFICATION, WITH_VERIFICATION = ("Redeploy",), ("Verify", "Promote")


def laid_out(begun: tuple[Action, ...], variables: Mapping[str, str]) -> tuple[Action, ...]:
    """All actions in pipeline order, including those that have not begun and those skipped."""
    found = {(one.stage, one.name): one for one in begun}
    verified = variables.get("verify", "yes") == "yes"
    left_out = WITHOUT_VERIFICATION if verified else WITH_VERIFICATION
    order = [
        (stage, name) for stage, names in LAYOUT.items() for name in names if stage not in left_out
    ]
    order += [key for key in found if key not in order]
    last = max((order.index(key) for key in found), default=-1)
    return tuple(
        found.get(key) or Action(*key, SKIPPED if place < last else PENDING, attempts=0)
        for place, key in enumerate(order)
    )


def pipeline_name(connection: "Connection") -> str:
    """The stage's release pipeline."""
    return connection.outputs["ReleasePipelineName"]


def progress(connection: "Connection", release: "Release") -> Execution | None:
    """The latest pipeline execution of a release; None if it has none (any more)."""
    execution = latest_execution(connection, release)
    return progress_of(connection, execution) if execution else None


def latest_execution(connection: "Connection", release: "Release") -> str | None:
    """The execution that promotes or promoted the release; a rollback has its own."""
    holder = deployment_lock_of(connection, release.model).holder
    if holder and holder != release.execution:
        running = progress_of(connection, holder)
        if (
            running
            and not running.ended
            and running.variables.get("release") == str(release.release)
        ):
            return holder
    if release.in_service:
        champion = champion_of(connection, release.model)
        return champion.execution if champion and champion.execution else release.execution
    return release.execution


def progress_of(connection: "Connection", execution: str) -> Execution | None:
    """An execution; None if there is none with this ID (CodePipeline keeps them for a year)."""
    found = _pipeline(connection).execution(execution)
    return replace(found, actions=laid_out(found.actions, found.variables)) if found else None


def actions_of(
    connection: "Connection", execution: str, variables: Mapping[str, str] | None = None
) -> tuple[Action, ...]:
    """The actions of an execution so far; `variables` are its own, a promotion's if not given."""
    return laid_out(_pipeline(connection).actions(execution), variables or {})


def _pipeline(connection: "Connection") -> Pipeline:
    return Pipeline(connection.client("codepipeline"), pipeline_name(connection))
