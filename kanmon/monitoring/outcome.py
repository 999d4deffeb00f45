"""How a monitoring ended: lines for people, one document for programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.monitoring.words import uneven
from core.words.formats import duration
from kanmon.errors import FAILED, OK, REJECTED
from kanmon.monitoring.page import download_page, page_key
from kanmon.monitoring.records import MonitoringRecord, monitoring_record
from kanmon.runs import display
from kanmon.runs.outcome import Outcome
from kanmon.runs.review_page import console_url
from kanmon.stage.connection import read_json, stage_flag
from kanmon.terminal.screen import coloured, shown_path

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.runs.execution import Ending
    from kanmon.stage.connection import Connection

# What each state is coloured like.
COLOURS = {"healthy": "pass", "alarm": "reject", "no data": "hold", "too few rows": "hold"}


def describe(
    connection: "Connection", project: "Project", model: str, monitoring: str, ending: "Ending"
) -> tuple[Outcome, Path | None]:
    """Describe the end of a monitoring; and the page's copy on this machine, if there is one."""
    base: dict[str, Any] = {
        "monitoring": monitoring,
        "model": model,
        "stage": connection.name,
        "status": ending.status,
        "seconds": round(ending.seconds, 2),
    }
    if ending.status == "RUNNING":
        return Outcome([f"Monitoring {monitoring} is still running."], base), None
    if ending.status != "SUCCEEDED":
        return _failed(connection, base, ending), None
    record = monitoring_record(connection, model, monitoring)
    if record is None:
        record = MonitoringRecord(monitoring, model, dict(ending.output))
    report = read_json(connection, f"monitoring/{model}/{monitoring}/report.json") or {}
    key = page_key(model, monitoring)
    url, path = console_url(connection, key), download_page(connection, project, model, monitoring)
    lines = [
        *_lines(record, uneven(report)),
        f"Page      {url or (shown_path(path) if path else 'none')}",
    ]
    lines.append(f"Took      {duration(ending.seconds)}")
    page = {"uri": f"s3://{connection.bucket}/{key}", "console_url": url}
    page["path"] = str(path) if path else None
    document = {**base, **record.document(), "report": report, "page": page}
    return Outcome(lines, document, REJECTED if record.state == "alarm" else OK), path


def _lines(record: MonitoringRecord, note: str | None) -> list[str]:
    state = str(record.state)
    alarms = [str(words) for words in record.alarms or ()]
    # The summary repeats an alarm that is the only one.
    listed = [f"  {coloured('reject', 'alarm')}  {words}" for words in alarms]
    said = "" if alarms else f": {record.summary}"
    if alarms and note:
        listed.append(f"  {coloured('hold', 'note')}   {note}")
    return [
        f"Release   {record.model}/{record.release}, from {record.window_from} until "
        f"before {record.window_to}",
        f"State     {coloured(COLOURS.get(state, ''), state)}{said}",
        *listed,
        *([f"Machine   {record.machine}"] if record.machine else []),
    ]


def _failed(connection: "Connection", base: dict[str, Any], ending: "Ending") -> Outcome:
    monitoring, flag = base["monitoring"], stage_flag(connection.name)
    words = display.failure_words(ending.error, ending.cause).rstrip(".")
    what = {"ABORTED": "was stopped", "TIMED_OUT": "took too long"}.get(ending.status, "failed")
    line = f"monitoring {monitoring} {what}: {words}."
    # Without a plan there was no job.
    if read_json(connection, f"monitoring/{base['model']}/{monitoring}/plan.json") is not None:
        line += f" `kanmon logs {monitoring}{flag}` shows its job's log."
    return Outcome([], base | {"error": ending.error, "message": words}, FAILED, line)
