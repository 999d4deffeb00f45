"""How a run ended: lines for people, one document for programs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.words.formats import duration
from kanmon.errors import FAILED, OK, REJECTED, BadInputError
from kanmon.runs import display, execution, records, review_page
from kanmon.runs.execution import JOB_STATES, LAMBDA_STATES
from kanmon.stage.connection import read_json, stage_flag
from kanmon.terminal.screen import coloured, shown_path

if TYPE_CHECKING:
    from core.stage.release_records import Release
    from kanmon.project import Project
    from kanmon.runs.execution import Ending
    from kanmon.stage.connection import Connection


@dataclass(frozen=True)
class Outcome:
    """A run's end; `problem` is its failure in one line."""

    lines: list[str]
    document: dict[str, Any]
    exit_code: int = OK
    problem: str | None = None


def describe(
    connection: "Connection", project: "Project", model: str, run: str, ending: "Ending"
) -> Outcome:
    """Describe the end of a run."""
    flag = stage_flag(connection.name)
    base: dict[str, Any] = {
        "run": run,
        "model": model,
        "stage": connection.name,
        "status": ending.status,
        "seconds": round(ending.seconds, 2),
    }
    if ending.status == "RUNNING":
        return Outcome([f"Run {run} is still running."], base)
    if ending.status != "SUCCEEDED":
        return _failed(connection, base, ending)
    outcome = str(ending.output.get("outcome", ""))
    base |= {key: ending.output.get(key) for key in ("outcome", "summary", "equals", "behind")}
    if outcome == "queued":
        return _queued(connection, base)
    if outcome == "nothing new":
        equals = str(ending.output.get("equals"))
        earlier = records.run_record(connection, model, equals)
        release = _release(connection, model, earlier.release if earlier else None)
        words = str(ending.output.get("summary"))
        lines = [
            f"{words[:1].upper()}{words[1:]}.",
            f"`kanmon show {equals}{flag}` shows its result; --force trains again.",
        ]
        if release:
            lines.append(f"Its release {release.reference} {status_words(release)}.")
        return Outcome(lines, base | {"release": release.release if release else None})
    return _judged(connection, project, base, ending)


def _queued(connection: "Connection", base: dict[str, Any]) -> Outcome:
    model, run, behind = base["model"], base["run"], base["behind"]
    flag = stage_flag(connection.name)
    record = records.run_record(connection, model, run)
    following = record.taken_over_by if record else None
    base = base | {"taken_over_by": following}
    if following:
        return Outcome(
            [
                f"Queued behind run {behind}; run {following} has taken it over.",
                f"`kanmon show {following}{flag}` shows its result.",
            ],
            base,
        )
    return Outcome(
        [
            f"Queued behind run {behind}: the model is retrained when that run has ended.",
            f"`kanmon runs {model}{flag}` shows the next run.",
        ],
        base,
    )


def _failed(connection: "Connection", base: dict[str, Any], ending: "Ending") -> Outcome:
    run, flag = base["run"], stage_flag(connection.name)
    words = display.failure_words(ending.error, ending.cause).rstrip(".")
    what = {"ABORTED": "was stopped", "TIMED_OUT": "took too long"}.get(ending.status, "failed")
    passed = execution.visits(execution.history(connection, connection.execution_arn(run)))
    logs = f"`kanmon logs {run}{flag}` shows its steps' logs."
    if not any(visit.state in JOB_STATES | LAMBDA_STATES for visit in passed):
        logs = "No step was started."
    line = f"run {run} {what}: {words}. {logs}"
    return Outcome([], base | {"error": ending.error, "message": words}, FAILED, line)


def _judged(
    connection: "Connection", project: "Project", base: dict[str, Any], ending: "Ending"
) -> Outcome:
    model, run = base["model"], base["run"]
    output = ending.output
    written = f"runs/{model}/{run}"
    evaluation = read_json(connection, f"{written}/evaluate/evaluation.json") or {}
    verdict = read_json(connection, f"{written}/verdict.json") or {
        "verdict": output.get("verdict") or "none",
        "summary": output.get("summary") or "no verdict was written",
        "rules": [],
    }
    page, page_line = _review(connection, project, model, run)
    package = output.get("package_arn")
    release = _release(connection, model, output.get("release"))
    lines = ["", *display.verdict_lines(verdict), ""]
    if evaluation:
        champion = _champion_release(connection, model, evaluation)
        lines += [*display.metric_lines(evaluation, champion), ""]
        lines += display.warning_lines(evaluation)
    lines += display.search_lines(verdict, evaluation)
    lines += display.rung_lines(verdict)
    if package:
        lines.append(display.package_line(str(package), _package_status(verdict, release)))
    lines.append(page_line)
    if output.get("started_next"):
        lines.append(f"Next      run {output['started_next']}, which was queued, has started")
    lines.append(f"Took      {duration(ending.seconds)}")
    if release:
        lines += ["", *release_lines(release, stage_flag(connection.name))]
    document = base | {
        "verdict": verdict,
        "metrics": evaluation.get("candidate", {}).get("metrics"),
        "champion": evaluation.get("champion"),
        "difference": evaluation.get("difference"),
        "warnings": display.warnings_of(evaluation),
        "package_arn": package,
        "review": page,
        "started_next": output.get("started_next"),
        "release": release.release if release else None,
    }
    return Outcome(lines, document, REJECTED if verdict["verdict"] == "reject" else OK)


def _champion_release(
    connection: "Connection", model: str, evaluation: dict[str, Any]
) -> int | None:
    """The number of the champion's release; None if no record has it."""
    run = (evaluation.get("champion") or {}).get("run")
    record = records.run_record(connection, model, str(run)) if run else None
    return record.release if record else None


def _package_status(verdict: dict[str, Any], release: "Release | None") -> str | None:
    """The package's status at registration; None after a decision, which the release shows."""
    if verdict["verdict"] == "reject":
        return "Rejected"
    return "PendingManualApproval" if release is None or release.status == "WAITING" else None


def _release(connection: "Connection", model: str, number: Any) -> "Release | None":
    """The release that a run opened, as it is now."""
    if not number:
        return None
    from kanmon.releases.records import find_release

    try:
        return find_release(connection, f"{model}/{number}")
    except BadInputError:  # a run of an earlier version died before it had recorded its release
        return None


def release_lines(release: "Release", flag: str) -> list[str]:
    """The release that a run opened, and the next commands."""
    from core.stage.release_records import OPEN

    reference = release.reference
    lines = [f"Release   {reference} {status_words(release)}"]
    if release.status == "WAITING" and release.approval != "automatic":
        return [
            *lines,
            "Next",
            f"  kanmon review {reference} --open{flag}",
            f'  kanmon approve {reference} --reason "…" --watch{flag}',
            f'  kanmon reject {reference} --reason "…"{flag}',
        ]
    verb = "watch" if release.status in OPEN else "show"
    return [*lines, "Next", f"  kanmon {verb} {reference}{flag}"]


def status_words(release: "Release") -> str:
    """A release's status in a few words, to follow its name."""
    if release.in_service:
        return "is in service"
    if release.status == "WAITING":
        automatic = release.approval == "automatic"
        return "is promoted without a review" if automatic else "waits for a review"
    return {
        "APPROVED": "is approved and being deployed",
        "PROMOTED": "was in service",
        "ROLLED_BACK": "was rolled back",
        "FAILED": "failed during its deployment",
        "SUPERSEDED": "is superseded",
    }.get(release.status, f"is {release.status.lower()}")


def _review(
    connection: "Connection", project: "Project", model: str, run: str
) -> tuple[dict[str, str | None], str]:
    key = review_page.review_key(model, run)
    url = review_page.console_url(connection, key)
    where: dict[str, str | None] = {"uri": f"s3://{connection.bucket}/{key}", "console_url": url}
    if url:
        return where, f"Review    {url}"
    path = review_page.download_review(connection, project, model, run)
    if path is None:
        return where, f"Review    {coloured('warn', 'no page was written')}"
    where["path"] = str(path)
    return where, f"Review    {shown_path(path)}"
