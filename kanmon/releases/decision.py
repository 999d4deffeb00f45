"""A person's decision about a release, given to the pipeline's waiting approval."""

from typing import TYPE_CHECKING, Any, Literal

from core.words.formats import local_moment, one_line
from kanmon.errors import BadInputError
from kanmon.releases.pipeline import IN_PROGRESS, SUCCEEDED, Action, actions_of, pipeline_name
from kanmon.releases.records import WAITING, Release, find_release
from kanmon.stage.connection import stage_flag

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

Decision = Literal["Approved", "Rejected"]
REVIEW_STAGE, REVIEW_ACTION = "Review", "ApproveRelease"
# CodePipeline's limit for the words of a decision.
LONGEST_REASON = 512
# What CodePipeline answers when somebody was faster, or the approval is another one by now.
TOO_LATE = {"ApprovalAlreadyCompletedException", "InvalidApprovalTokenException"}


def decide(connection: "Connection", release: Release, decision: Decision, reason: str) -> Any:
    """Approve or reject the release; the moment at which CodePipeline took it.

    Of two decisions at once exactly one is taken. Raises BadInputError, with who decided what and
    when, when this release does not wait for a decision (any more).
    """
    from botocore.exceptions import ClientError

    if len(reason) > LONGEST_REASON:
        raise BadInputError(
            f"the reason has {len(reason)} characters", f"Use at most {LONGEST_REASON}."
        )
    waiting = waiting_approval(connection, release)
    if waiting is None:
        raise not_waiting(connection, release)
    if decision == "Approved" and release.verdict == "hold" and not reason.strip():
        raise BadInputError(
            f"the gate held release {release.reference} for a person to judge",
            "Say with a reason (--reason) why it may go into service all the same.",
        )
    try:
        answer = connection.client("codepipeline").put_approval_result(
            pipelineName=pipeline_name(connection),
            stageName=REVIEW_STAGE,
            actionName=REVIEW_ACTION,
            token=waiting.external_id,
            result={"summary": reason, "status": decision},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in TOO_LATE:
            raise not_waiting(connection, find_release(connection, release.reference)) from error
        raise
    return answer.get("approvedAt")


def waiting_approval(connection: "Connection", release: Release) -> Action | None:
    """The approval that waits for a decision about this release, with its token."""
    review = _review(connection, release)
    return review if review and review.status == IN_PROGRESS and review.external_id else None


def will_wait(connection: "Connection", release: Release) -> bool:
    """Is the release's approval still to open: does what comes before it go on, or begin soon?

    A release without an execution has none, and none will come: its opening broke off.
    """
    on_its_way = release.status == WAITING and release.execution is not None
    return on_its_way and still_opening(_actions(connection, release))


def still_opening(actions: tuple[Action, ...]) -> bool:
    """The rule: the review has not ended, nor has anything before it failed. None has begun: yes.

    An approval that is in progress opens, too, as long as it has no token.
    """
    for action in actions:
        if action.name == REVIEW_ACTION:
            return not action.ended and not action.external_id
        if action.ended and action.status != SUCCEEDED:
            return False
    return True


def _review(connection: "Connection", release: Release) -> Action | None:
    if release.status != WAITING:
        return None
    actions = _actions(connection, release)
    return next((one for one in actions if one.name == REVIEW_ACTION), None)


def _actions(connection: "Connection", release: Release) -> tuple[Action, ...]:
    return actions_of(connection, release.execution) if release.execution else ()


def not_waiting(connection: "Connection", release: Release) -> BadInputError:
    """Why there is nothing to decide about a release."""
    return BadInputError(
        why_not_waiting(release, _review(connection, release)),
        f"`kanmon show {release.reference}{stage_flag(connection.name)}` tells what happened.",
    )


def why_not_waiting(release: Release, review: Action | None) -> str:
    """The clause: who decided what and when. `review` is its action where the table still waits."""
    name = f"release {release.reference}"
    if release.status == WAITING:
        # The pipeline knows first; the table follows by an event.
        if review is None or not review.ended:
            return f"{name} does not wait for a decision yet"
        if review.status == SUCCEEDED:
            return f"{name} has been approved already{_by(review.by, review.updated)}"
        return (
            f"{name} has been rejected, or was too long undecided{_by(review.by, review.updated)}"
        )
    decided = _by(release.decided_by, release.decided_at)
    words = {
        "REJECTED": f"was rejected already{decided}",
        "EXPIRED": f"expired{_by(None, release.decided_at)}: nobody decided in time",
        "SUPERSEDED": f"was superseded{_by(None, release.ended_at)}: a newer one was promoted",
    }
    if release.status in words:
        return f"{name} {words[release.status]}{_because(release)}"
    if release.decision == "automatic":
        return f"{name} needed no decision: its model promotes by itself"
    return f"{name} was approved already{decided}{_because(release)}"


def _by(who: str | None, when: Any) -> str:
    said = f" by {person(who)}" if who else ""
    if when:
        said += f" at {local_moment(when if isinstance(when, str) else when.isoformat())}"
    return said


def _because(release: Release) -> str:
    reason = one_line(release.decision_reason or "")
    return f" ({reason})" if reason and release.status == "REJECTED" else ""


def person(who: str | None) -> str:
    """The end of an ARN that names the person: the user, or the session of a role.

    >>> person("arn:aws:sts::123456789012:assumed-role/kanmon-Approver/ada"), person(None)
    ('ada (kanmon-Approver)', '–')
    >>> person("arn:aws:iam::123456789012:user/team/ada")
    'ada'
    """
    if not who:
        return "–"
    if not who.startswith("arn:"):
        return who
    parts = who.split(":", 5)[-1].split("/")
    if parts[0] == "assumed-role" and len(parts) > 2:
        return f"{parts[2]} ({parts[1]})"
    return parts[-1]
