"""Releases on the terminal: lists, one release in detail, its progress."""

from datetime import UTC, datetime
from typing import Any

from core.stage.release_history import HistoryEntry
from core.stage.release_pipeline import PENDING, REVIEW, Action, Execution
from core.stage.release_records import Release
from core.words.formats import duration, local_moment, one_line
from core.words.people import person
from core.words.verdicts import without_verdict
from kanmon.releases.explanation import Evidence, Explanation, split
from kanmon.releases.watch import Observation
from kanmon.terminal.invocation import Invocation
from kanmon.terminal.screen import coloured, faint, table

INDENT = "  "
STATUS_COLOURS = {"PROMOTED": "promote", "WAITING": "hold", "APPROVED": "hold"}
BAD = {"REJECTED", "EXPIRED", "FAILED", "ROLLED_BACK"}


def status_word(release: Release) -> str:
    """The status for people, coloured."""
    if release.in_service:
        return coloured("promote", "in service")
    word = release.status.lower().replace("_", " ")
    meaning = "reject" if release.status in BAD else STATUS_COLOURS.get(release.status, "")
    return coloured(meaning, word) if meaning else word


def release_lines(releases: list[Release]) -> list[str]:
    """A table of releases."""
    rows = [
        [
            one.reference,
            status_word(one),
            coloured(one.verdict or "–"),
            local_moment(one.opened_at),
            person(one.decided_by) if one.decided_by else "",
            one_line(one.decision_reason or ""),
        ]
        for one in releases
    ]
    return table(rows, ["release", "status", "verdict", "opened", "decided by", "reason"])


def history_lines(events: list[HistoryEntry], model: str) -> list[str]:
    """A table of a model's history."""
    rows = [
        [
            local_moment(one.at),
            f"{model}/{one.release}" if one.release else "",
            one.what,
            person(one.by) if one.by else "",
            one_line(one.reason or ""),
        ]
        for one in events
    ]
    return table(rows, ["when", "release", "what", "who", "why"])


def detail_lines(evidence: Evidence, explanation: Explanation) -> list[str]:
    """One release in detail, ending with the next commands."""
    release = evidence.release
    lines = [f"Release      {release.reference}  {status_word(release)}"]
    lines += _facts(release)
    if evidence.progress:
        lines.append(f"Pipeline     {evidence.progress.id}  {evidence.progress.status}")
        now = datetime.now(UTC)
        lines += [
            action_line(one, now) for one in evidence.progress.actions if one.status != PENDING
        ]
    if evidence.traffic:
        lines.append(f"Live alias   {split(evidence.traffic)}")
    lines += ["", explanation.headline, *(f"{INDENT}{reason}" for reason in explanation.reasons)]
    if explanation.next:
        lines += ["Next", *(f"{INDENT}{command}" for command in explanation.next)]
    return lines


def _facts(release: Release) -> list[str]:
    facts = [("Opened", f"{local_moment(release.opened_at)} by run {release.run}")]
    if release.verdict:
        facts.append(("Verdict", coloured(release.verdict) + _rest(release)))
    if release.package_version:
        facts.append(("Package", f"version {release.package_version}"))
    if release.decision:
        by = f" by {person(release.decided_by)}" if release.decided_by else ""
        words = f"{release.decision}{by} {local_moment(release.decided_at)}"
        reason = one_line(release.decision_reason or "")
        facts.append(("Decision", words + (f": {reason}" if reason else "")))
    if release.promoted_at:
        facts.append(("Promoted", local_moment(release.promoted_at)))
    return [f"{label:<13}{value}" for label, value in facts]


def _rest(release: Release) -> str:
    reasons = without_verdict(release.summary or "", str(release.verdict))
    return f": {reasons}" if reasons else ""


def action_line(action: Action, now: datetime, more: str = "") -> str:
    """An action: stage, name, duration, and its outcome unless it succeeded."""
    took = duration(action.seconds(now)) if action.began else ""
    outcome = ""
    if action.status not in {"Succeeded", "InProgress"}:
        bad = action.status in {"Failed", "Abandoned"}
        outcome = coloured("reject" if bad else "", action.status.lower())
    attempts = faint(f"in {action.attempts} attempts") if action.attempts > 1 else ""
    words = "  ".join(word for word in (outcome, attempts, more) if word)
    return f"{INDENT}{action.stage:<10}{action.name:<18}{took:>12}{'  ' if words else ''}{words}"


class ReleaseProgress:
    """One line for each action that has ended and each traffic shift; the current one is live."""

    def __init__(self, invocation: Invocation) -> None:
        self._screen = invocation.screen
        self._printed: set[tuple[str, str, int]] = set()
        self._split = ""

    def __call__(self, seen: Observation) -> None:
        """Print what is new."""
        now = datetime.now(UTC)
        shift = split(seen.traffic) if len(seen.traffic) > 1 else ""
        for action in seen.progress.actions:
            if action.name == "DeployRelease" and shift and shift != self._split:
                self._screen.note(f"{INDENT}{'':<10}{shift}")
                self._split = shift
            key = (action.stage, action.name, action.attempts)
            if action.ended and key not in self._printed:
                self._printed.add(key)
                self._screen.note(action_line(action, now))
        current = seen.progress.current
        if current:
            waits = "waits for a review" if current.name == REVIEW else shift
            self._screen.live(action_line(current, now, waits))


def progress_document(progress: Execution | None) -> dict[str, Any] | None:
    """A pipeline execution for programs."""
    if progress is None:
        return None
    now = datetime.now(UTC)
    return {
        "execution": progress.id,
        "status": progress.status,
        "summary": progress.summary,
        "actions": [
            {
                "stage": one.stage,
                "action": one.name,
                "status": one.status,
                "seconds": round(one.seconds(now), 3) if one.began else None,
                "attempts": one.attempts,
                "summary": one.summary,
                "error": one.error,
            }
            for one in progress.actions
        ],
    }


def release_document(evidence: Evidence, explanation: Explanation) -> dict[str, Any]:
    """One release in detail, for programs."""
    return {
        **evidence.release.document(),
        "pipeline": progress_document(evidence.progress),
        "traffic": [{"release": number, "share": share} for number, share in evidence.traffic],
        "what_happened": explanation.headline,
        "reasons": explanation.reasons,
        "next": explanation.next,
    }
