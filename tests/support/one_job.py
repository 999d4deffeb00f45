"""The two workflows that open something, work on it as a function or a job, and close it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.playing import ANSWERS, COMPLETED, RUN, Played, Refused, job_failed, play
from tests.support.translation import MONITOR_WORKFLOW, SCORE_WORKFLOW
from tests.support.workflow_definition import MONITOR, SAMPLE_BATCH, SAMPLE_MONITORING, SCORE

LOST = job_failed("InternalServerError: We encountered an internal error. Please try again.")
BROKEN = job_failed("AlgorithmError: , exit code: 1")
# The scenarios that fail the execution after one report.
FAILING = [
    "the job fails by its own code",
    "the job is refused",
    "the request is wrong",
    "closing fails",
]
ATTEMPTS = "s3://kanmon-test-data/attempts/abalone/" + SAMPLE_MONITORING["monitoring"]
FINISHED = {
    "outcome": "finished",
    "batch": RUN,
    "model": "abalone",
    "summary": f"batch {RUN} is finished: 10 rows in",
}
NO_DATA = {name: SAMPLE_MONITORING[name] for name in ("monitoring", "model", "release")} | {
    "outcome": "no data",
    "summary": "release 7: no row was captured or scored in batch in the window",
}


@dataclass(frozen=True)
class OneJob:
    """A workflow by the names of its states and services, and what it is tried with.

    `step` is its service and `state` its state; both have "On Lambda" behind them as a function.
    `subject` is what a failure calls it. `opened` is what opening answers, as a job and as a
    function. `own` are scenarios that the other has not.
    """

    workflow: str
    source: Path
    role: str
    open: str
    decide: str
    step: str
    state: str
    close: str
    failed: str
    subject: str
    refusal: str
    fails_to_close: str
    completed: Any
    opened: dict[str, Any]
    on_lambda: dict[str, Any]
    own: dict[str, dict[str, list[Any]]]

    def __str__(self) -> str:
        return self.workflow

    def __hash__(self) -> int:
        return hash(self.workflow)

    @property
    def happy_path(self) -> list[str]:
        """The states of a job without any trouble."""
        return [self.open, self.decide, self.state, self.close]

    @property
    def scenarios(self) -> dict[str, dict[str, list[Any]]]:
        """What services answer in turn. A failure is reported by the function that also closes."""
        function = f"{self.step} On Lambda"
        return self.own | {
            "all is well": {},
            "the job is lost once": {self.step: [LOST, self.completed]},
            "the job fails by its own code": {self.step: [BROKEN]},
            "the job is refused": {self.step: [Refused("AccessDeniedException")]},
            "the job is planned without limits": {self.open: [self.opened | {"resources": {}}]},
            "the request is wrong": {self.open: [Refused(self.refusal, "model: write a name")]},
            "closing fails": {
                self.close: [Refused(self.fails_to_close, "it is gone"), ANSWERS[self.close]]
            },
            "it is a function": {self.open: [self.on_lambda]},
            "the function fails": {
                self.open: [self.on_lambda],
                function: [Refused("Sandbox.Timedout", "timed out")],
            },
            "the function fails by the step's own sentence": {
                self.open: [self.on_lambda],
                function: [Refused("StepFailedError", "fix the data")],
            },
            "the bus takes nothing": {self.close: [Refused("EventNotTakenError", "it is full")]},
            "even the report fails": {
                self.open: [Refused("NoLiveReleaseError", "nothing in service")],
                self.close: [Refused("ServiceUnavailable")],
            },
        }

    def reports(self, played: Played) -> list[Any]:
        """What closing was asked to report as a failure."""
        return [one for one in played.services.asked(self.close) if "error" in one]


SCORING = OneJob(
    workflow=SCORE,
    source=SCORE_WORKFLOW,
    role="ScoreStateMachineRole",
    open="Open Batch",
    decide="Anything To Score?",
    step="Score",
    state="Score Rows",
    close="Close Batch",
    failed="Batch Failed",
    subject="batch",
    refusal="BatchRequestError",
    fails_to_close="UnprovenBatchError",
    completed=ANSWERS["Score"],
    opened=SAMPLE_BATCH,
    on_lambda=SAMPLE_BATCH | {"rung": "lambda"},
    own={
        "it was finished before": {"Open Batch": [FINISHED]},
        "only its proof is missing": {"Open Batch": [SAMPLE_BATCH | {"outcome": "scored"}]},
    },
)
MONITORING = OneJob(
    workflow=MONITOR,
    source=MONITOR_WORKFLOW,
    role="MonitorStateMachineRole",
    open="Open Monitoring",
    decide="Anything To See?",
    step="Monitor",
    state="Monitor",
    close="Close Monitoring",
    failed="Monitoring Failed",
    subject="monitoring",
    refusal="MonitorRequestError",
    fails_to_close="ObjectMissingError",
    completed=COMPLETED,
    opened=SAMPLE_MONITORING,
    on_lambda=SAMPLE_MONITORING | {"rung": "lambda", "attempts": ATTEMPTS},
    own={"no data": {"Open Monitoring": [NO_DATA]}},
)


@cache
def scenario(one: OneJob, name: str) -> Played:
    """One workflow, played once with what services answer in a scenario."""
    return play(one.scenarios[name], workflow=one.workflow)
