"""The registry and the release pipeline's approval follow one another, each of them once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.releases.decision import describe_release, one_line, registry_status
from core.releases.history import Stage
from core.releases.record_decision import settle
from core.releases.release_table import WAITING
from core.stage.packages import Package
from core.stage.release_pipeline import LONGEST_DECISION, Action

Item = Mapping[str, Any]


def follow_review(stage: Stage, execution_id: str) -> str:
    """An approval was opened, decided or expired: what it is now is what counts."""
    execution = stage.pipeline.execution(execution_id)
    if execution is None:
        return f"there is no execution {execution_id}"
    if execution.names is None:
        return f"execution {execution_id} names no release"
    model, number = execution.names
    item: Item | None = stage.ledger.release(model, number)
    if item is None or item.get("execution") not in (None, execution_id):
        return f"{model}/{number} is not promoted by execution {execution_id}"
    if execution.variables.get("purpose") == "rollback":
        return f"{model}/{number}: a rollback is not reviewed"
    review = stage.pipeline.review(execution_id)
    if review is not None and review.status == "InProgress":
        # The registry may have been quicker than the pipeline.
        return follow_registry(stage, model, number)
    item = settle(stage, model, item, review)
    return f"{model}/{number} is {str(item['status']).lower()}"


def follow_package(stage: Stage, arn: str) -> str:
    """The release of a package: its run's, which opened one if its candidate won."""
    package = stage.packages.package(arn)
    model = package.group.removeprefix(f"{stage.name}-")
    run = package.metadata.get("run", "")
    number = stage.ledger.release_of_run(model, run)
    item = stage.ledger.release(model, number) if number is not None else None
    if number is None or item is None or item["package_arn"] != arn:
        return f"{arn} has no release"
    return follow_registry(stage, model, number)


def follow_registry(stage: Stage, model: str, number: int) -> str:
    """A package's status was changed: pass it on to the approval, or put it right again."""
    item: Item | None = stage.ledger.release(model, number)
    if item is None:
        return f"{model}/{number} is no release"
    package = stage.packages.package(str(item["package_arn"]))
    if package.approval not in ("Approved", "Rejected"):
        return f"{model}/{number}: its package is {package.approval or 'undecided'}"
    execution = item.get("execution")
    review = stage.pipeline.review(str(execution)) if execution else None
    if item["status"] == WAITING and review is not None:
        item = _pass_on(stage, model, item, package, review)
    wanted = registry_status(item)
    if wanted is not None and wanted != package.approval:
        # The registry came too late or was changed afterwards: it goes on telling what is true.
        stage.packages.settle(package.arn, wanted, describe_release(item))
        return f"{model}/{number} is {str(item['status']).lower()}; its package is {wanted} again"
    return f"{model}/{number} is {str(item['status']).lower()}"


def _pass_on(stage: Stage, model: str, item: Item, package: Package, review: Action) -> Item:
    number = int(item["release"])
    if review.status != "InProgress" or not review.external:
        return settle(stage, model, item, review)
    outcome = "approved" if package.approval == "Approved" else "rejected"
    by = package.by or "someone"
    reason = f": {package.reason}" if package.reason else ""
    summary = one_line(
        f"{package.approval} in the model registry by {by}{reason}", LONGEST_DECISION
    )
    asked = {
        "asked": outcome,
        "asked_by": package.by,
        "asked_reason": package.reason,
        "asked_summary": summary,
    }
    # Before the approval knows it: its event must find the person's name here.
    stage.ledger.note(model, number, asked, {"status": (WAITING,)})
    stage.pipeline.decide(
        review.external, "Approved" if outcome == "approved" else "Rejected", summary
    )
    execution = str(item["execution"])
    now = stage.ledger.release(model, number) or item
    return settle(stage, model, now, stage.pipeline.review(execution))
