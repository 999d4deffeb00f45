"""The registry and the release pipeline's approval follow one another, each of them once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.releases.decision import describe_release, registry_status
from core.releases.record_decision import settle
from core.stage.registry import Package
from core.stage.release_pipeline import IN_PROGRESS, LONGEST_DECISION, Action
from core.stage.release_records import Release, Status
from core.words.catalogue import say
from core.words.formats import one_line

if TYPE_CHECKING:
    from core.stage.gateways import Stage


class TooEarlyError(Exception):
    """An event told of what cannot be read yet."""


def follow_review(stage: Stage, execution_id: str, state: str = "STARTED") -> str:
    """An approval was opened, decided or expired: what it is now is what counts.

    `state` is the event's. An event about an end may come before the end can be read.
    """
    execution = stage.pipeline.execution(execution_id)
    if execution is None:
        return f"there is no execution {execution_id}"
    if execution.names is None:
        return f"execution {execution_id} names no release"
    model, number = execution.names
    release = stage.releases.release(model, number)
    if release is None or release.execution not in (None, execution_id):
        return f"{model}/{number} is not promoted by execution {execution_id}"
    purpose = execution.variables.get("purpose")
    if purpose != "promotion":
        return f"{release.reference}: a {purpose} is not reviewed"
    opened = state == "STARTED"
    look = stage.pipeline.review if opened else stage.pipeline.decided_review
    review = look(execution_id)
    if review is not None and review.status == IN_PROGRESS:
        if not opened:
            # Lambda calls the function again, twice, a minute and two later.
            raise TooEarlyError(f"{release.reference}: its review does not show its end yet")
        # The registry may have been quicker than the pipeline.
        return follow_registry(stage, model, number)
    return _status_line(settle(stage, release, review))


def follow_package(stage: Stage, arn: str) -> str:
    """The release of a package: its run's, which opened one if its candidate won."""
    package = stage.registry.package(arn)
    model = package.group.removeprefix(f"{stage.name}-")
    run = package.metadata.get("run", "")
    number = stage.releases.release_of_run(model, run)
    release = stage.releases.release(model, number) if number is not None else None
    if number is None or release is None or release.package_arn != arn:
        return f"{arn} has no release"
    return follow_registry(stage, model, number)


def follow_registry(stage: Stage, model: str, number: int) -> str:
    """A package's status was changed: pass it on to the approval, or put it right again."""
    release = stage.releases.release(model, number)
    if release is None:
        return f"{model}/{number} is no release"
    package = stage.registry.package(release.package_arn)
    if package.approval not in ("Approved", "Rejected"):
        return f"{release.reference}: its package is {package.approval or 'undecided'}"
    review = stage.pipeline.review(release.execution) if release.execution else None
    if release.status == Status.WAITING and review is not None:
        release = _pass_on(stage, release, package, review)
    wanted = registry_status(release)
    if wanted is not None and wanted != package.approval:
        # The registry came too late or was changed afterwards: it goes on showing what is true.
        stage.registry.set_approval(package.arn, wanted, describe_release(release))
        return f"{_status_line(release)}; its package is {wanted} again"
    return _status_line(release)


def _status_line(release: Release) -> str:
    return f"{release.reference} is {release.status.lower()}"


def _pass_on(stage: Stage, release: Release, package: Package, review: Action) -> Release:
    if review.status != IN_PROGRESS or not review.external_id:
        return settle(stage, release, review)
    approved = package.approval == "Approved"
    by = package.by or say("release.decision.someone")
    how = "approved" if approved else "rejected"
    summary = say(f"release.decision.in_registry.{how}", by=by)
    if package.reason:
        summary = say("release.with_reason", headline=summary, reason=package.reason)
    summary = one_line(summary, LONGEST_DECISION)
    asked = {
        "asked": how,
        "asked_by": package.by,
        "asked_reason": package.reason,
        "asked_summary": summary,
    }
    # Before the approval gets it: its event must find the person's name here.
    stage.releases.note(release, asked, (Status.WAITING,))
    stage.pipeline.decide(review.external_id, "Approved" if approved else "Rejected", summary)
    now = stage.releases.release(release.model, release.release) or release
    return settle(stage, now, stage.pipeline.review(str(release.execution)))
