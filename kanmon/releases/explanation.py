"""What happened with a release, why, and what to do next. Pure: evidence in, words out."""

from dataclasses import dataclass, field

from core.stage.release_pipeline import REVIEW, Execution
from core.stage.release_records import Release, Status, Withdrawal
from core.words.catalogue import say
from core.words.formats import local_moment, one_line, percent
from core.words.people import person
from kanmon.releases.retry import retryable
from kanmon.releases.traffic import Deployment


@dataclass(frozen=True)
class Evidence:
    """What the table, the pipeline, CloudFormation, CodeBuild and CodeDeploy say of a release."""

    release: Release
    progress: Execution | None = None
    # Of the deployments since the release was decided: newest first.
    deployments: tuple[Deployment, ...] = ()
    stack_causes: tuple[str, ...] = ()
    build_lines: tuple[str, ...] = ()
    hook_lines: tuple[str, ...] = ()
    traffic: tuple[tuple[int | None, float], ...] = ()
    champion: int | None = None
    # When the champion came into service: a rollback is later than its own promotion.
    champion_since: str | None = None
    # That the model was taken out of service, with this release or a later one.
    withdrawal: Withdrawal | None = None
    # The release that holds the model's deployment lock, when it is another one.
    behind: int | None = None


@dataclass(frozen=True)
class Explanation:
    """One line that says it, the reasons behind it, and the commands that come next."""

    headline: str
    reasons: list[str] = field(default_factory=list)
    next: list[str] = field(default_factory=list)


def explain(evidence: Evidence, flag: str = "") -> Explanation:
    """Explain a release; `flag` is what commands need so that they mean this stage."""
    release, progress = evidence.release, evidence.progress
    if release.status == Status.WAITING:
        return _waiting(evidence, flag)
    if release.status == Status.APPROVED:
        return _under_way(evidence, flag)
    if release.status == Status.PROMOTED:
        return _promoted(evidence, flag)
    reference, model = release.reference, release.model
    again = f"kanmon run {model} --force{flag}"
    if release.status == "REJECTED":
        headline = say(
            "release.rejected",
            release=reference,
            person=person(release.decided_by),
            time=local_moment(release.decided_at),
        )
        return Explanation(
            _with_reason(headline, release),
            next=[f"kanmon review {reference}{flag}", f"kanmon run {model}{flag}"],
        )
    if release.status == "EXPIRED":
        return Explanation(
            say(
                "release.expired",
                release=reference,
                time=local_moment(release.decided_at or release.ended_at),
            ),
            next=[again],
        )
    if release.status == "SUPERSEDED":
        newer = f"kanmon show {model}/{evidence.champion}{flag}" if evidence.champion else ""
        return Explanation(
            _with_reason(say("release.superseded", release=reference), release),
            next=[command for command in (newer, again) if command],
        )
    headline = (
        say("release.rolled_back", release=reference)
        if release.status == "ROLLED_BACK"
        else _how_it_failed(reference, progress)
    )
    return Explanation(
        headline,
        [*causes(evidence), _what_serves_now(evidence)],
        _commands_next(evidence, flag),
    )


def _waiting(evidence: Evidence, flag: str) -> Explanation:
    release, progress = evidence.release, evidence.progress
    reference = release.reference
    if progress is None:
        return Explanation(
            say("release.opened_without_pipeline", release=reference),
            [say("release.opened_without_pipeline_why")],
            [f"kanmon releases{flag}"],
        )
    if progress.ended:
        return Explanation(
            say("release.record_follows", headline=_how_it_failed(reference, progress)),
            [*causes(evidence), _what_serves_now(evidence)],
            [f"kanmon show {reference}{flag}"],
        )
    review = progress.action(REVIEW)
    if review is None or review.status != "InProgress":
        return Explanation(
            _in_the_pipeline(reference, progress),
            next=[f"kanmon watch {reference}{flag}"],
        )
    since = review.began.isoformat() if review.began else release.opened_at
    return Explanation(
        say("release.waiting", release=reference, time=local_moment(since)),
        next=[
            f"kanmon review {reference} --open{flag}",
            f'kanmon approve {reference} --reason "…"{flag}',
            f'kanmon reject {reference} --reason "…"{flag}',
        ],
    )


def _under_way(evidence: Evidence, flag: str) -> Explanation:
    release, progress = evidence.release, evidence.progress
    reference = release.reference
    if progress is None:
        return Explanation(
            say("release.approved_without_pipeline", release=reference),
            [_what_serves_now(evidence)],
            [f"kanmon run {release.model} --force{flag}"],
        )
    if progress.ended and progress.status != "Succeeded":
        return Explanation(
            say("release.record_follows", headline=_how_it_failed(reference, progress)),
            [*causes(evidence), _what_serves_now(evidence)],
            [f"kanmon show {reference}{flag}"],
        )
    steps = [f"kanmon watch {reference}{flag}"]
    canary = next((one for one in evidence.deployments if one.under_way), None)
    if canary:
        steps.append(f"kanmon rollback {release.model}{flag}")
        return Explanation(
            say("release.canary", release=reference, traffic=split(evidence.traffic)),
            next=steps,
        )
    if evidence.behind:
        other = f"{release.model}/{evidence.behind}"
        return Explanation(
            say("release.behind", release=reference, other=other),
            next=[f"kanmon watch {other}{flag}", *steps],
        )
    return Explanation(_in_the_pipeline(reference, progress), next=steps)


def _promoted(evidence: Evidence, flag: str) -> Explanation:
    release, model = evidence.release, evidence.release.model
    since = local_moment(evidence.champion_since or release.promoted_at)
    moving = _moving(evidence)
    if moving is not None:
        return Explanation(moving, next=[f"kanmon watch {release.reference}{flag}"])
    if not release.in_service:
        promoted = {"release": release.reference, "time": local_moment(release.promoted_at)}
        headline = say("release.was_promoted", **promoted)
        gone = evidence.withdrawal
        if gone is not None and gone.release == release.release:
            headline = say(
                "release.withdrawn",
                release=release.reference,
                person=person(gone.by),
                time=local_moment(gone.at),
            )
            reasons = [one_line(gone.reason, LONGEST_CAUSE)] if gone.reason else []
            back = f"kanmon rollback {model} --to {release.release}{flag}"
            return Explanation(headline, reasons, [f"kanmon history {model}{flag}", back])
        if evidence.champion:
            champion = f"{model}/{evidence.champion}"
            headline = say("release.replaced", **promoted, champion=champion)
        return Explanation(
            headline,
            next=[f"kanmon rollback {model} --to {release.release}{flag}"],
        )
    served = {number for number, _ in evidence.traffic}
    odd = evidence.traffic and served != {release.release}
    canary = any(one.under_way for one in evidence.deployments)
    reasons = []
    if odd:
        why = "canary" if canary else "unexpected"
        reasons.append(say(f"release.alias.{why}", traffic=split(evidence.traffic)))
    steps = [f"kanmon score {model} rows.csv{flag}", f"kanmon history {model}{flag}"]
    if release.release > 1:  # the first has nothing before it
        steps.append(f'kanmon rollback {model} --reason "…"{flag}')
    return Explanation(
        say("release.in_service", release=release.reference, time=since), reasons, steps
    )


def _moving(evidence: Evidence) -> str | None:
    """That a rollback to the release, or its withdrawal, is under way; None if neither is."""
    progress = evidence.progress
    if progress is None or progress.ended or progress.current is None:
        return None
    purpose = progress.variables.get("purpose")
    if purpose not in ("rollback", "withdrawal"):
        return None
    action = progress.current.name
    return say(f"release.moving.{purpose}", release=evidence.release.reference, action=action)


def causes(evidence: Evidence) -> list[str]:
    """Why it did not go through, from the nearest to the failure to the farthest."""
    found: list[str] = list(evidence.hook_lines)
    for one in evidence.deployments:
        if one.creator == "codeDeployRollback":
            continue
        failed = [name for name, status, _ in one.events if status == "Failed"]
        found += [say(f"release.check_failed.{HOOKS[name]}") for name in failed if name in HOOKS]
        found += [text for text in (one.reason, one.rollback) if text and not one.under_way]
    found += evidence.build_lines
    found += evidence.stack_causes
    action = evidence.progress.failed if evidence.progress else None
    if action:
        said = action.error or action.summary
        found += [say("release.cause", action=action.name, message=said)] if said else []
    if evidence.progress and evidence.progress.summary:
        found.append(evidence.progress.summary)
    if evidence.release.error:
        found.append(evidence.release.error)
    distinct: list[str] = []
    for cause in (one_line(each, LONGEST_CAUSE) for each in found):
        # One service quotes what another one said, with words of its own around it.
        if cause and not any(earlier[:QUOTED] in cause for earlier in distinct):
            distinct.append(cause)
    return distinct


LONGEST_CAUSE = 400
# So much of a cause makes it the same one.
QUOTED = 100
# What CodeDeploy calls the moments at which serving.yaml's checks run.
HOOKS = {
    "BeforeAllowTraffic": "before_traffic",
    "AfterAllowTraffic": "after_traffic",
}


def _how_it_failed(reference: str, progress: Execution | None) -> str:
    stopped = progress is not None and progress.status == "Stopped"
    how = "stopped" if stopped else "failed"
    action = progress.failed if progress else None
    if action is None:
        return say(f"release.ended.{how}", release=reference)
    return say(f"release.ended_at.{how}", release=reference, action=action.name, stage=action.stage)


def _in_the_pipeline(reference: str, progress: Execution) -> str:
    action = progress.current
    if action is None:
        return say("release.in_pipeline", release=reference)
    return say("release.in_action", release=reference, action=action.name)


def _with_reason(headline: str, release: Release) -> str:
    if not release.decision_reason:
        return headline
    reason = one_line(release.decision_reason, LONGEST_CAUSE)
    return say("release.with_reason", headline=headline, reason=reason)


def _what_serves_now(evidence: Evidence) -> str:
    model, champion = evidence.release.model, evidence.champion
    if alias_differs(evidence):
        recorded = f"{model}/{champion}" if champion else say("release.no_release")
        return say("release.recorded", traffic=split(evidence.traffic), release=recorded)
    if champion is None:
        return say("release.none_in_service")
    return say("release.stays", release=f"{model}/{champion}")


def alias_differs(evidence: Evidence) -> bool:
    """Does the live alias not serve the release that is recorded as in service?"""
    answering = [number for number, _ in evidence.traffic]
    return bool(answering) and evidence.champion not in answering


def _commands_next(evidence: Evidence, flag: str) -> list[str]:
    """Commands after a failure: back to what is recorded, where that does not serve; try again from
    there; open a new release of the same data."""
    release = evidence.release
    steps = [f"kanmon run {release.model} --force{flag}"]
    if retryable(release, evidence.progress):
        steps.insert(0, f"kanmon retry {release.reference}{flag}")
    if evidence.champion and alias_differs(evidence):
        steps.insert(0, f'kanmon rollback {release.model} --reason "…"{flag}')
    return steps


def split(traffic: tuple[tuple[int | None, float], ...] | list[tuple[int | None, float]]) -> str:
    """
    >>> split([(6, 0.9), (7, 0.1)])
    'release 6 gets 90 %, release 7 gets 10 %'
    """
    return ", ".join(
        say("release.share", number=number or "?", share=percent(share))
        for number, share in traffic
    )
