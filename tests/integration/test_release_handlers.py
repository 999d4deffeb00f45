"""The handlers of the release pipeline's actions and events: what they take and answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

import admit_release
import close_release
import follow_registry
import follow_review
import record_release
from core.releases import superseding
from core.stage.pipeline_job import JobError, Place
from core.stage.release_records import OPEN
from tests.support.release_doubles import ADA, ADMIT, BOB, MODEL, Run
from tests.support.release_world import World
from tests.support.stage_in_memory import Context

JOB = "11111111-2222-4333-8444-000000000000"


@dataclass
class Jobs:
    """What CodePipeline was answered."""

    answers: list[tuple[str, str, str]] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    def succeed(self, job: str, summary: str, variables: dict[str, str]) -> None:
        self.answers.append(("succeeded", job, summary))
        self.variables = dict(variables)

    def go_on(self, job: str, summary: str) -> None:
        self.answers.append(("goes on", job, summary))

    def fail(self, job: str, message: str) -> None:
        self.answers.append(("failed", job, message))


@dataclass
class Artifacts:
    """What lies in the pipeline's bucket."""

    files: dict[Place, dict[str, str]] = field(default_factory=dict)

    def read(self, place: Place) -> dict[str, str]:
        return self.files[place]

    def write(self, place: Place, files: dict[str, str]) -> None:
        self.files[place] = files


class StageInMemory(World):
    def __init__(self) -> None:
        super().__init__()
        self.jobs = Jobs()
        self.artifacts = Artifacts()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> StageInMemory:
    made = StageInMemory()
    for module in (admit_release, record_release, close_release, follow_review, follow_registry):
        monkeypatch.setattr(module, "stage", lambda: made)
    return made


def job(run: Run, **more: str) -> dict[str, Any]:
    """What CodePipeline passes to a function, as far as ours read it."""
    given = {
        "model": MODEL,
        "release": run.variables["release"],
        "purpose": run.variables["purpose"],
        "execution": run.id,
        "bundle_version": "v1",
        **more,
    }
    configuration = {"FunctionName": "x", "UserParameters": json.dumps(given)}
    data = {"actionConfiguration": {"configuration": configuration}}
    return {"CodePipeline.job": {"id": JOB, "accountId": "1", "data": data}}


def event(kind: str, **detail: Any) -> dict[str, Any]:
    return {"version": "0", "detail-type": kind, "detail": detail}


def test_a_release_goes_through_its_functions(world: StageInMemory, context: Context) -> None:
    number = world.open()
    run = world.run_of(number)
    world.pipeline.answer(world.token(number), "Approved", "fine", ADA)
    follow_review.handler(
        event(
            "CodePipeline Action Execution State Change",
            **{"execution-id": run.id, "state": "SUCCEEDED"},
        ),
        context,
    )

    admit_release.handler(job(run), context)
    world.deploy(run)
    record_release.handler(job(run), context)

    assert world.jobs.answers == [
        ("succeeded", JOB, "churn/1 may be deployed"),
        ("succeeded", JOB, "churn/1 is in service"),
    ]
    assert world.champion() == number


def test_an_admission_that_is_refused_fails_its_job_with_the_line(
    world: StageInMemory, context: Context
) -> None:
    run = world.run_of(world.open())
    world.pipeline.act(run, "ApproveRelease", "Abandoned")

    admit_release.handler(job(run), context)

    [(outcome, _, line)] = world.jobs.answers
    assert (outcome, "was not approved in this execution" in line) == ("failed", True)


def test_parameters_with_a_name_twice_are_not_understood(
    world: StageInMemory, context: Context
) -> None:
    asked = job(world.run_of(world.open("automatic")))
    configuration = asked["CodePipeline.job"]["data"]["actionConfiguration"]["configuration"]
    given = configuration["UserParameters"]
    configuration["UserParameters"] = given.removesuffix("}") + ', "release": "2"}'

    admit_release.handler(asked, context)

    [(outcome, _, line)] = world.jobs.answers
    assert (outcome, "given twice" in line) == ("failed", True)


def test_an_admission_that_has_to_wait_asks_to_be_called_again(
    world: StageInMemory, context: Context
) -> None:
    runs = [world.run_of(world.open("automatic")) for _ in range(2)]
    admit_release.handler(job(runs[1]), context)

    admit_release.handler(job(runs[0]), context)

    assert [outcome for outcome, _, _ in world.jobs.answers] == ["succeeded", "goes on"]
    assert world.jobs.variables == {"previous": "none"}


def test_a_live_model_that_is_another_fails_the_record(
    world: StageInMemory, context: Context
) -> None:
    run = world.run_of(world.open("automatic"))
    admit_release.handler(job(run), context)

    record_release.handler(job(run), context)

    outcome, _, line = world.jobs.answers[-1]
    assert outcome == "failed"
    assert line.startswith("release 1 should be live, but release None answers") or (
        "does not answer" in line
    )


def test_a_rollback_is_recorded_with_who_asked_for_it(
    world: StageInMemory, context: Context
) -> None:
    for _ in range(2):
        run = world.run_of(world.open("automatic"))
        admit_release.handler(job(run), context)
        world.deploy(run)
        record_release.handler(job(run), context)
    back = world.pipeline.runs[world.start(1, "rollback", "automatic")]
    admit_release.handler(job(back), context)
    world.deploy(back)

    record_release.handler(job(back), context)

    history = world.table.beginning_with(MODEL, "history#")
    [back_again] = [item for item in history if item["event"] == "rolled back"]
    assert (back_again["release"], back_again["previous"]) == (1, 2)
    assert (back_again["by"], back_again["reason"]) == (BOB, "words")


def test_an_execution_that_failed_closes_its_release(
    world: StageInMemory, context: Context
) -> None:
    run = world.run_of(world.open("automatic"))
    world.pipeline.act(run, ADMIT, "Failed", error="no")
    run.status = "Failed"

    closed = close_release.handler(
        event("CodePipeline Pipeline Execution State Change", **{"execution-id": run.id}), context
    )

    assert closed == {"model": MODEL, "release": 1, "outcome": "failed"}


@pytest.mark.parametrize(
    ("ending", "counted"),
    [("failed", True), ("stopped", False), ("superseded", False)],
)
def test_the_alarm_counts_failures_and_no_stop_and_no_superseded_review(
    world: StageInMemory,
    context: Context,
    capsys: pytest.CaptureFixture[str],
    ending: str,
    counted: bool,
) -> None:
    number = world.open() if ending == "superseded" else world.open("automatic")
    run = world.run_of(number)
    run.status = "Stopped" if ending == "stopped" else "Failed"
    if ending == "superseded":
        release = world.release(number)
        superseding.supersede(world, release, "newer", "2026-11-21T06:00:00Z", OPEN)
    else:
        world.pipeline.act(run, ADMIT, "Failed", error="no")
    capsys.readouterr()

    close_release.handler(
        event("CodePipeline Pipeline Execution State Change", **{"execution-id": run.id}), context
    )

    lines = [line for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    metrics = [json.loads(line) for line in lines]
    assert sum(("ReleasesFailed" in one) for one in metrics) == (1 if counted else 0)
    assert sum("ReleasesClosed" in one for one in metrics) == 1
    waiting = [one for one in metrics if "ReleasesWaiting" in one]
    assert [(one["ReleasesWaiting"], one["model"]) for one in waiting] == [([0], MODEL)]


def test_a_decision_in_the_registry_is_passed_on(world: StageInMemory, context: Context) -> None:
    number = world.open()
    arn = world.release(number).package_arn
    world.registry.put(arn, "Rejected", "no", ADA)

    told = follow_registry.handler(
        event("SageMaker Model Package State Change", ModelPackageArn=arn), context
    )

    assert told == {"summary": "churn/1 is rejected"}


def test_a_function_that_breaks_down_still_answers_its_job(
    world: StageInMemory, context: Context
) -> None:
    run = world.run_of(world.open("automatic"))
    world.registry.found.clear()

    admit_release.handler(job(run), context)

    [(outcome, _, line)] = world.jobs.answers
    assert outcome == "failed"
    assert line.startswith("Admit Release broke down: KeyError: ")


def test_an_event_that_is_no_job_is_refused(world: StageInMemory, context: Context) -> None:
    with pytest.raises(JobError):
        admit_release.handler({"detail": {}}, context)


def test_what_is_deployed_is_handed_on_under_a_name_of_its_own_for_every_job(
    world: StageInMemory, context: Context
) -> None:
    run = world.run_of(world.open("automatic"))
    verified = {
        "packaged.yaml": '          ATTEMPT: "none"\n',
        "configuration.json": json.dumps({"Parameters": {"Release": "1"}, "Tags": {}}),
    }
    world.artifacts.files[Place("artifacts", "verified")] = verified
    asked = job(run)
    for which in ("input", "output"):
        key = "verified" if which == "input" else "deployment"
        place = {"s3Location": {"bucketName": "artifacts", "objectKey": key}}
        asked["CodePipeline.job"]["data"][f"{which}Artifacts"] = [{"location": place}]

    admit_release.handler(asked, context)

    files = world.artifacts.files[Place("artifacts", "deployment")]
    assert files["packaged.yaml"] == f'          ATTEMPT: "{JOB}"\n'
    assert json.loads(files["configuration.json"])["Parameters"] == {"Release": "1"}
