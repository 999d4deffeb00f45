"""A person's decision about a release, sent to the pipeline's waiting approval."""

import time
from typing import TYPE_CHECKING, Any, Literal

from core.stage.release_pipeline import (
    IN_PROGRESS,
    LONGEST_DECISION,
    REVIEW,
    REVIEW_STAGE,
    SUCCEEDED,
    Action,
)
from core.stage.release_records import Release, Status
from core.words.formats import local_moment, one_line
from core.words.people import person
from kanmon.errors import BadInputError
from kanmon.releases.pipeline import actions_of, pipeline_name
from kanmon.releases.records import find_release
from kanmon.stage.connection import stage_flag

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

Decision = Literal["Approved", "Rejected"]
# An approval opens seconds after its release; on a busy laptop it can take longer.
OPENS_SECONDS = 60
# CodePipeline's errors when somebody else has decided, or the approval is a new one.
TOO_LATE = {"ApprovalAlreadyCompletedException", "InvalidApprovalTokenException"}


def decide(connection: "Connection", release: Release, decision: Decision, reason: str) -> Any:
    """Approve or reject the release; the moment of the decision.

    Of two concurrent decisions exactly one succeeds. Raises BadInputError, with who decided what
    and when, if the release does not wait for a decision (any more).
    """
    from botocore.exceptions import ClientError

    if len(reason) > LONGEST_DECISION:
        raise BadInputError(
            f"the reason has {len(reason)} characters", f"At most {LONGEST_DECISION} are allowed."
        )
    waiting = waiting_approval(connection, release)
    if waiting is None:
        raise not_waiting(connection, release)
    if decision == "Approved" and release.verdict == "hold" and not reason.strip():
        raise BadInputError(
            f"the gate held release {release.reference}, so its approval needs a reason",
            "Add --reason: why may it go into service?",
        )
    try:
        answer = connection.client("codepipeline").put_approval_result(
            pipelineName=pipeline_name(connection),
            stageName=REVIEW_STAGE,
            actionName=REVIEW,
            token=waiting.external_id,
            result={"summary": reason, "status": decision},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in TOO_LATE:
            raise not_waiting(connection, find_release(connection, release.reference)) from error
        raise
    return answer.get("approvedAt")


def waiting_approval(connection: "Connection", release: Release) -> Action | None:
    """The release's open approval, with its token; None if it does not wait."""
    review = _review(connection, release)
    return review if review and review.status == IN_PROGRESS and review.external_id else None


def wait_until_open(connection: "Connection", release: Release) -> Release:
    """Wait for the release's approval to open; the release as it is then.

    Returns immediately if the approval is open or will never open. Raises BadInputError if it takes
    too long.
    """
    limit = time.monotonic() + OPENS_SECONDS
    while will_wait(connection, release):
        if time.monotonic() > limit:
            raise not_waiting(connection, release)
        time.sleep(connection.poll_seconds)
        release = find_release(connection, release.reference)
    return release


def will_wait(connection: "Connection", release: Release) -> bool:
    """Will the release's approval still open?

    A release without an execution failed to open, so it never gets an approval.
    """
    started = release.status == Status.WAITING and release.execution is not None
    return started and still_opening(_actions(connection, release))


def still_opening(actions: tuple[Action, ...]) -> bool:
    """Is the approval not yet open, with nothing before it failed?

    An approval in progress without a token is still opening.
    """
    for action in actions:
        if action.name == REVIEW:
            return not action.ended and not action.external_id
        if action.ended and action.status != SUCCEEDED:
            return False
    return True


def _review(connection: "Connection", release: Release) -> Action | None:
    if release.status != Status.WAITING:
        return None
    actions = _actions(connection, release)
    return next((one for one in actions if one.name == REVIEW), None)


def _actions(connection: "Connection", release: Release) -> tuple[Action, ...]:
    return actions_of(connection, release.execution) if release.execution else ()


def not_waiting(connection: "Connection", release: Release) -> BadInputError:
    """The error for a decision about a release that does not wait for one."""
    return BadInputError(
        why_not_waiting(release, _review(connection, release)),
        f"`kanmon show {release.reference}{stage_flag(connection.name)}` shows what happened.",
    )


def why_not_waiting(release: Release, review: Action | None) -> str:
    """Who decided what and when, as a clause. `review` counts while the table says WAITING."""
    name = f"release {release.reference}"
    if release.status == Status.WAITING:
        # The table follows the pipeline by an event, a moment later.
        if review is None or not review.ended:
            return f"{name} does not wait for a decision yet"
        if review.status == SUCCEEDED:
            return f"{name} was already approved{_by(review.by, review.updated)}"
        return f"{name} was already rejected, or has expired{_by(review.by, review.updated)}"
    decided = _by(release.decided_by, release.decided_at)
    words = {
        "REJECTED": f"was already rejected{decided}",
        "EXPIRED": f"expired{_by(None, release.decided_at)}: nobody decided in time",
        "SUPERSEDED": f"was superseded{_by(None, release.ended_at)}: a newer one was promoted",
    }
    if release.status in words:
        return f"{name} {words[release.status]}{_because(release)}"
    if release.status == Status.FAILED and not (release.decision or release.decided_by):
        return f"{name} ended{_by(None, release.ended_at)} before anybody decided about it"
    if release.decision == "automatic":
        return f"{name} needed no decision: its model is approved automatically"
    return f"{name} was already approved{decided}{_because(release)}"


def _by(who: str | None, when: Any) -> str:
    words = f" by {person(who)}" if who else ""
    if when:
        words += f" at {local_moment(when if isinstance(when, str) else when.isoformat())}"
    return words


def _because(release: Release) -> str:
    reason = one_line(release.decision_reason or "")
    return f" ({reason})" if reason and release.status == "REJECTED" else ""
