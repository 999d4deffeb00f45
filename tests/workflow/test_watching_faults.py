"""Faults in the score and the monitor workflow, state by state, as those of a run are tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from core.runs.failure import Failure, explain
from tests.support.playing import ANSWERS, Played, Refused, Services, play, playing, start
from tests.support.waiting import PATIENCE_SECONDS, eventually
from tests.support.workflow_definition import (
    MONITOR,
    SAMPLE_BATCH,
    SAMPLE_MONITORING,
    SCORE,
    states,
    transitions,
)


@dataclass(frozen=True)
class Workflow:
    """One of the two, with the names of its states and of what its services are asked as."""

    name: str
    opening: str
    job: str
    closing: str
    opened: dict[str, Any]
    failed: str

    def play(self, **answers: list[Any]) -> Played:
        return play(
            {getattr(self, name): told for name, told in answers.items()}, workflow=self.name
        )

    def reports(self, played: Played) -> list[Any]:
        return [one for one in played.services.asked(self.closing) if "error" in one]


BATCH = Workflow(SCORE, "Open Batch", "Score", "Close Batch", SAMPLE_BATCH, "Batch Failed")
MONITORING = Workflow(
    MONITOR,
    "Open Monitoring",
    "Monitor",
    "Close Monitoring",
    SAMPLE_MONITORING,
    "Monitoring Failed",
)
BOTH = pytest.mark.parametrize("workflow", [BATCH, MONITORING], ids=lambda one: one.job)
# As Step Functions names what Lambda itself, or DynamoDB through a function, has answered.
BUSY = [Refused("ProvisionedThroughputExceededException"), Refused("ThrottlingException")]


@BOTH
@pytest.mark.parametrize("state", ["opening", "job", "closing"])
def test_a_refusal_in_any_state_is_reported_once_and_fails_the_execution(
    workflow: Workflow, state: str
) -> None:
    refused = Refused("AccessDeniedException", "not yours")
    answers = [refused, ANSWERS[workflow.closing]] if state == "closing" else [refused]

    played = workflow.play(**{state: answers})

    assert played.path[-2:] == ["Report Failure", workflow.failed]
    [report] = workflow.reports(played)
    assert "AccessDeniedException" in report["error"]
    assert "not yours" in report["cause"]
    assert played.outcome.status == "FAILED"


@BOTH
@pytest.mark.parametrize("state", ["opening", "closing"])
def test_a_busy_table_is_waited_for(workflow: Workflow, state: str) -> None:
    asked = getattr(workflow, state)

    played = workflow.play(**{state: [*BUSY, ANSWERS[asked]]})

    assert len(played.services.asked(asked)) == 3
    assert played.outcome.status == "SUCCEEDED"


@BOTH
def test_a_table_that_stays_busy_is_reported(workflow: Workflow) -> None:
    played = workflow.play(opening=BUSY[:1])

    assert len(played.services.asked(workflow.opening)) == 4
    assert len(workflow.reports(played)) == 1


@BOTH
def test_a_wrong_request_is_not_repeated(workflow: Workflow) -> None:
    played = workflow.play(opening=[Refused("SomeRequestError", "model: write a name")])

    assert len(played.services.asked(workflow.opening)) == 1


@BOTH
def test_a_job_at_its_limit_is_not_repeated_and_the_report_says_which_limit(
    workflow: Workflow,
) -> None:
    limit = workflow.opened["resources"]["timeout_seconds"]
    began = 1795240501000
    at_its_limit = {
        "ProcessingJobStatus": "Stopped",
        "ProcessingStartTime": began,
        "ProcessingEndTime": began + limit * 1000,
    }

    played = workflow.play(job=[at_its_limit])

    [job] = played.services.asked(workflow.job)
    [report] = workflow.reports(played)
    step = workflow.job.lower()
    assert explain(report["error"], report["cause"]) == Failure(
        f"{workflow.job}JobFailed",
        f"{step}: the job {job['ProcessingJobName']} ran longer than {limit} seconds; "
        f"raise resources.{step}.timeout_minutes in model.yaml",
    )


@BOTH
def test_a_state_whose_job_hangs_is_reported_and_the_job_is_stopped(workflow: Workflow) -> None:
    # The state waits for a quarter of an hour longer than the job may take: here a second in all.
    impatient = workflow.opened["resources"] | {"timeout_seconds": 1 - 900}

    played = workflow.play(
        opening=[workflow.opened | {"resources": impatient}],
        job=[{"ProcessingJobStatus": "InProgress"}],
    )

    [job] = played.services.asked(workflow.job)
    eventually(lambda: played.services.stopped)
    assert played.services.stopped == [job["ProcessingJobName"]]
    [report] = workflow.reports(played)
    assert report["error"] == "States.Timeout"


@BOTH
@pytest.mark.parametrize("code", ["ThrottlingException", "ResourceLimitExceededException"])
def test_a_job_that_could_not_start_is_tried_under_the_next_name(
    workflow: Workflow, code: str
) -> None:
    played = workflow.play(job=[Refused(code), Refused(code), ANSWERS[workflow.job]])

    jobs = [one["ProcessingJobName"][-1] for one in played.services.asked(workflow.job)]
    assert jobs == ["0", "1", "2"]
    assert played.outcome.status == "SUCCEEDED"


@BOTH
def test_an_execution_that_is_stopped_stops_its_job_and_reports_nothing_itself(
    workflow: Workflow,
) -> None:
    services = Services({workflow.job: [{"ProcessingJobStatus": "InProgress"}]})
    with playing(services):
        running = start({"model": "abalone"}, workflow.name)
        eventually(lambda: services.asked(workflow.job))

        running.stop("Operator", "enough")

        assert running.ended.wait(PATIENCE_SECONDS)
        eventually(lambda: services.stopped)
    [job] = services.asked(workflow.job)
    assert services.stopped == [job["ProcessingJobName"]]
    assert services.asked(workflow.closing) == []


@BOTH
def test_every_state_is_reached_from_the_start(workflow: Workflow) -> None:
    known = states(workflow=workflow.name)
    reached, left = {workflow.opening}, [workflow.opening]
    while left:
        following = set(transitions(known[left.pop()])) - reached
        reached |= following
        left += following

    assert reached == set(known)
