"""What a run measured, for the console's pages: its metrics, the log of a failure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kanmon.releases.evidence import unless_refused
from kanmon.runs.display import metric_rows
from kanmon.runs.execution import JOB_STATES, LAMBDA_STATES, Visit
from kanmon.runs.job_logs import step_log
from kanmon.stage.connection import read_json

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

LOG_LINES = 15


@dataclass(frozen=True)
class Results:
    """A run's metrics as rows of a table; `champion` says whether the last columns are filled."""

    rows: list[list[str]]
    champion: bool


def evaluation_of(connection: "Connection", model: str, run: str | None) -> dict[str, Any]:
    """The run's evaluation; empty before there is one."""
    key = f"runs/{model}/{run}/evaluate/evaluation.json"
    return dict(read_json(connection, key) or {}) if run else {}


def results_of(evaluation: dict[str, Any]) -> Results | None:
    """The table of metrics; None without an evaluation."""
    rows = metric_rows(evaluation)
    return Results(rows, bool(evaluation.get("champion"))) if rows else None


def failure_log(connection: "Connection", run: str, visits: Sequence[Visit]) -> list[str]:
    """The last lines that the last step of a failed run logged; none if no step was started."""
    states = (one.state for one in reversed(visits) if one.state in JOB_STATES | LAMBDA_STATES)
    last = next(states, None)
    if last is None:
        return []
    step = last.split()[0].lower()
    return unless_refused(
        lambda: [line.message.rstrip() for line in step_log(connection, run, step)[-LOG_LINES:]]
    )
