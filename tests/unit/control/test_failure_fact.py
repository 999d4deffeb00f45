"""One fact for a failed execution, whatever it worked on."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from core.report.fact import Fact
from core.runs.failure import Failure, Occurrence, Work
from core.runs.failure_fact import failure_fact

STAGE: Any = SimpleNamespace(name="kanmon-dev", short_name="dev")
NOW = datetime(2026, 11, 30, 3, tzinfo=UTC)
FAILED = Occurrence("E", "abalone", "TrainJobFailed", "{}", redrives=2)
FAILURE = Failure("TrainJobFailed", "train: column rings is missing; add it")


@pytest.mark.parametrize(
    ("work", "key", "named"),
    [
        ("run", "E/2", {"run": "E"}),
        ("monitoring", "E/2", {"monitoring": "E"}),
        # an execution that resumes a batch has a name of its own
        ("batch", "B/E/2", {"batch": "B"}),
    ],
)
def test_the_fact_names_what_failed_and_why(work: Work, key: str, named: dict[str, str]) -> None:
    name = named[work]

    fact = failure_fact(STAGE, work, name, FAILED, FAILURE, "new data", NOW)

    assert fact == Fact(
        event=f"{work} failed",
        key=key,
        stack="kanmon-dev",
        stage="dev",
        at="2026-11-30T03:00:00Z",
        summary=FAILURE.message,
        model="abalone",
        reason="new data",
        error="TrainJobFailed",
        **named,
    )


@pytest.mark.parametrize("work", ["run", "batch", "monitoring"])
def test_what_somebody_stopped_has_not_failed(work: Work) -> None:
    stopped = Occurrence("E", "abalone", "Execution.ABORTED", "")

    fact = failure_fact(STAGE, work, "E", stopped, Failure("Execution.ABORTED", "x"), None, NOW)

    assert fact.event == f"{work} stopped"


@pytest.mark.parametrize("work", ["run", "batch", "monitoring"])
def test_a_job_without_a_machine_could_not_start(work: Work) -> None:
    unstarted = Failure("TrainJobFailed", "no machine", unstarted=True)

    fact = failure_fact(STAGE, work, "E", FAILED, unstarted, None, NOW)

    assert fact.event == "job could not start"
