"""How a run ended, as lines for people and one document for programs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.words.formats import duration
from kanmon.errors import FAILED, OK, REJECTED
from kanmon.runs import display, execution, records, retrain
from kanmon.stage.connection import stage_flag
from kanmon.terminal.screen import coloured

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.releases.records import Release
    from kanmon.runs.execution import Ending
    from kanmon.stage.connection import Connection

# The states whose work is a job with logs of its own.
JOB_STATES = {"Preprocess", "Train", "Evaluate"}


@dataclass(frozen=True)
class Told:
    """What to say about a run; `problem` is its failure in one line."""

    lines: list[str]
    document: dict[str, Any]
    exit_code: int = OK
    problem: str | None = None


def describe(
    connection: "Connection", project: "Project", model: str, run: str, ending: "Ending"
) -> Told:
    """Tell the end of a run."""
    flag = stage_flag(connection.name)
    base: dict[str, Any] = {
        "run": run,
        "model": model,
        "stage": connection.name,
        "status": ending.status,
        "seconds": round(ending.seconds, 2),
    }
    if ending.status == "RUNNING":
        return Told([f"Run {run} is going on."], base)
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
            f"`kanmon show {equals}{flag}` tells how that went; --force trains again.",
        ]
        if release:
            lines.append(f"Its release {release.reference} {how_it_stands(release)}.")
        return Told(lines, base | {"release": release.release if release else None})
    return _judged(connection, project, base, ending)


def _queued(connection: "Connection", base: dict[str, Any]) -> Told:
    model, run, behind = base["model"], base["run"], base["behind"]
    flag = stage_flag(connection.name)
    record = records.run_record(connection, model, run)
    following = record.taken_over_by if record else None
    base = base | {"taken_over_by": following}
    if following:
        return Told(
            [
                f"Queued behind run {behind}; run {following} has taken it over.",
                f"`kanmon show {following}{flag}` tells how that went.",
            ],
            base,
        )
    return Told(
        [
            f"Queued behind run {behind}: the same model retrains when that one has ended.",
            f"`kanmon runs {model}{flag}` shows when it has.",
        ],
        base,
    )


def _failed(connection: "Connection", base: dict[str, Any], ending: "Ending") -> Told:
    run, flag = base["run"], stage_flag(connection.name)
    words = display.failure_words(ending.error, ending.cause).rstrip(".")
    what = {"ABORTED": "was stopped", "TIMED_OUT": "took too long"}.get(ending.status, "failed")
    passed = execution.visits(execution.history(connection, connection.execution_arn(run)))
    logs = f"`kanmon logs {run}{flag}` shows its jobs' logs."
    if not any(visit.state in JOB_STATES for visit in passed):
        logs = "No job was started."
    line = f"run {run} {what}: {words}. {logs}"
    return Told([], base | {"error": ending.error, "message": words}, FAILED, line)


def _judged(
    connection: "Connection", project: "Project", base: dict[str, Any], ending: "Ending"
) -> Told:
    model, run = base["model"], base["run"]
    output = ending.output
    written = retrain.documents(connection, model, run)
    verdict = written.verdict or {
        "verdict": output.get("verdict") or "none",
        "summary": output.get("summary") or "no verdict was written",
        "rules": [],
    }
    page, page_line = _review(connection, project, model, run)
    package = output.get("package_arn")
    release = _release(connection, model, output.get("release"))
    lines = ["", *display.verdict_lines(verdict), ""]
    if written.evaluation:
        champion = _champion_release(connection, model, written.evaluation)
        lines += [*display.metric_lines(written.evaluation, champion), ""]
    if package:
        lines.append(display.package_line(str(package), _package_status(verdict, release)))
    lines.append(page_line)
    if output.get("started_next"):
        lines.append(f"Next      run {output['started_next']}, which was queued, has started")
    lines.append(f"Took      {duration(ending.seconds)}")
    if release:
        lines += ["", *release_lines(release, stage_flag(connection.name))]
    evaluation = written.evaluation or {}
    document = base | {
        "verdict": verdict,
        "metrics": evaluation.get("candidate", {}).get("metrics"),
        "champion": evaluation.get("champion"),
        "difference": evaluation.get("difference"),
        "package_arn": package,
        "review": page,
        "started_next": output.get("started_next"),
        "release": release.release if release else None,
    }
    return Told(lines, document, REJECTED if verdict["verdict"] == "reject" else OK)


def _champion_release(
    connection: "Connection", model: str, evaluation: dict[str, Any]
) -> int | None:
    """The release that the champion was promoted as; None where its record does not say."""
    run = (evaluation.get("champion") or {}).get("run")
    record = records.run_record(connection, model, str(run)) if run else None
    return record.release if record else None


def _package_status(verdict: dict[str, Any], release: "Release | None") -> str | None:
    """As it was registered; a decision about its release changes it, and the release tells that."""
    if verdict["verdict"] == "reject":
        return "Rejected"
    return "PendingManualApproval" if release is None or release.status == "WAITING" else None


def _release(connection: "Connection", model: str, number: Any) -> "Release | None":
    """The release that a run opened, as it stands now."""
    if not number:
        return None
    from kanmon.releases.records import find_release

    return find_release(connection, f"{model}/{number}")


def release_lines(release: "Release", flag: str) -> list[str]:
    """What comes next for the release that a run opened."""
    from kanmon.releases.records import OPEN

    reference = release.reference
    lines = [f"Release   {reference} {how_it_stands(release)}"]
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


def how_it_stands(release: "Release") -> str:
    """A release's standing in a few words, after its name."""
    if release.in_service:
        return "is in service"
    if release.status == "WAITING":
        automatic = release.approval == "automatic"
        return "goes into service by itself" if automatic else "waits for a review"
    return {
        "APPROVED": "is approved and on its way",
        "PROMOTED": "was in service",
        "ROLLED_BACK": "was rolled back",
        "FAILED": "failed on its way",
        "SUPERSEDED": "is superseded",
    }.get(release.status, f"is {release.status.lower()}")


def _review(
    connection: "Connection", project: "Project", model: str, run: str
) -> tuple[dict[str, str | None], str]:
    key = retrain.review_key(model, run)
    url = retrain.console_url(connection, key)
    where: dict[str, str | None] = {"uri": f"s3://{connection.bucket}/{key}", "console_url": url}
    if url:
        return where, f"Review    {url}"
    path = retrain.download_review(connection, project, model, run)
    if path is None:
        return where, f"Review    {coloured('warn', 'there is no page')}"
    where["path"] = str(path)
    return where, f"Review    {retrain.shown_path(path)}"
