"""Open Batch and Close Batch where a batch is resumed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

import close_batch
from core.batches import open_batch as opening
from core.batches.close_batch import UnprovenBatchError
from core.batches.open_batch import BatchNotResumableError
from core.batches.request import BatchRequestError
from core.releases.live_release import LiveRelease
from core.stage import gateways
from tests.support.batches import BATCH, FOLDER, RELEASE, done, leave_scored
from tests.support.opened_batches import opened, put_in_service, resumed
from tests.support.stage_in_memory import Context, Stage

Load = Callable[[str], dict[str, Any]]
DATA = "datasets/churn/customers.csv"


@pytest.fixture
def stage(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A release in service, besides what every stage of these tests has."""
    put_in_service(stage, monkeypatch)
    return stage


def test_the_cost_is_unknown_where_the_platform_lost_a_job_of_an_attempt_before(
    stage: Stage, context: Context, load_event: Load
) -> None:
    opened(context)
    for _ in range(2):  # a repeat changes nothing
        close_batch.handler(load_event("close_batch_failure") | {"lost": 1}, context)
    failed = stage.batch(BATCH)["host_seconds"]

    resumed(context, 2)
    leave_scored(stage)
    close_batch.handler(load_event("close_batch"), context)

    cost = stage.get_json(f"{FOLDER}/manifest.json")["cost"]
    assert (failed, cost["usd"]) == ("unknown", None)


def test_the_time_of_a_job_counts_once_also_where_its_proof_failed(
    stage: Stage, context: Context, load_event: Load
) -> None:
    opened(context)
    record = done(0)
    record["files"][0]["scored"] -= 1
    leave_scored(stage, record)
    scored = load_event("close_batch")
    for _ in range(2):  # Lambda may call twice
        with pytest.raises(UnprovenBatchError) as raised:
            close_batch.handler(scored, context)
    failure = {"error": raised.typename, "cause": "{}"}
    close_batch.handler(load_event("close_batch_failure") | failure, context)
    failed = stage.batch(BATCH)["host_seconds"]

    resumed(context, 2)
    leave_scored(stage)
    again = {"began": scored["began"] + 100_000, "ended": scored["ended"] + 100_000}
    close_batch.handler(scored | again, context)

    cost = stage.get_json(f"{FOLDER}/manifest.json")["cost"]
    assert (failed, cost["seconds"]) == ("60.0", {"score": 120.0})


def test_a_stopped_batch_is_resumed_with_its_plan_and_its_release(
    stage: Stage, context: Context, load_event: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(context)
    before = stage.get_json(f"{FOLDER}/plan.json")
    close_batch.handler(load_event("close_batch_status"), context)
    assert stage.batch(BATCH)["summary"] == "the batch was stopped"
    newer = LiveRelease(**{**RELEASE, "number": 4})  # type: ignore[arg-type]
    monkeypatch.setattr(opening, "live_release", lambda stage, model: newer)

    answer = resumed(context, 2)

    assert (answer["outcome"], answer["batch"], answer["release"]) == ("planned", BATCH, 3)
    assert answer["job_prefix"].endswith(f"{BATCH}-r2")
    assert stage.get_json(f"{FOLDER}/plan.json") == before
    record = stage.batch(BATCH)
    assert (record["status"], record["execution"]) == ("RUNNING", f"{BATCH}-r2")
    assert record["attempts"] == "2"
    # What the stopped attempt took is not known, so neither is what the batch costs.
    leave_scored(stage)
    event = load_event("close_batch")
    close_batch.handler(event, context)
    assert stage.get_json(f"{FOLDER}/manifest.json")["cost"]["usd"] is None


def test_a_batch_of_which_only_the_proof_is_missing_needs_no_job(
    stage: Stage, context: Context, load_event: Load
) -> None:
    opened(context)
    leave_scored(stage)
    close_batch.handler(load_event("close_batch_failure"), context)

    answer = resumed(context, 2)

    assert answer["outcome"] == "scored"
    assert answer["summary"].endswith("0 shards left to score")
    closed = close_batch.handler({"batch": BATCH, "model": "churn"}, context)
    assert closed["outcome"] == "scored"
    assert stage.batch(BATCH)["host_seconds"] == "10.0"


def test_a_batch_that_still_runs_is_not_resumed(stage: Stage, context: Context) -> None:
    opened(context)

    with pytest.raises(BatchNotResumableError, match=f"is still scored by execution {BATCH}; wait"):
        resumed(context, 2)

    assert stage.batch(BATCH)["execution"] == BATCH


def test_a_batch_whose_execution_ended_unseen_is_resumed(stage: Stage, context: Context) -> None:
    opened(context)
    boto3.client("stepfunctions").start_execution(
        stateMachineArn="arn:aws:states:us-east-1:123456789012:stateMachine:kanmon-test-score",
        name=BATCH,
    )
    gateways.stage().scoring.has_ended(BATCH)
    stage.states.stop_execution(
        executionArn=f"arn:aws:states:us-east-1:123456789012:execution:kanmon-test-score:{BATCH}"
    )

    assert resumed(context, 2)["outcome"] == "planned"


def test_a_finished_batch_says_so(stage: Stage, context: Context, load_event: Load) -> None:
    opened(context)
    leave_scored(stage)
    close_batch.handler(load_event("close_batch"), context)

    answer = resumed(context, 2)

    assert answer["outcome"] == "finished"
    assert answer["summary"].startswith(f"batch {BATCH} is finished: 10 rows in")
    assert stage.batch(BATCH)["status"] == "SUCCEEDED"


@pytest.mark.parametrize("planned", [True, False])
def test_what_was_never_there_or_never_planned_is_not_resumed(
    stage: Stage, context: Context, load_event: Load, planned: bool
) -> None:
    words = "has none of this name"
    if not planned:
        close_batch.handler(load_event("close_batch_failure"), context)
        words = "ended before it was planned"

    with pytest.raises(BatchNotResumableError, match=words):
        resumed(context, 2)


def test_a_late_event_of_an_earlier_attempt_leaves_the_batch_alone(
    stage: Stage, context: Context, load_event: Load
) -> None:
    opened(context)
    close_batch.handler(load_event("close_batch_failure"), context)
    resumed(context, 2)

    event = load_event("close_batch_status")
    close_batch.handler(event, context)

    assert stage.batch(BATCH)["status"] == "RUNNING"


def test_a_name_that_was_used_is_not_used_again(
    stage: Stage, context: Context, load_event: Load
) -> None:
    opened(context)
    close_batch.handler(load_event("close_batch_failure"), context)
    resumed(context, 2)

    with pytest.raises(BatchRequestError, match="there is one of this name already"):
        opened(context)


def test_a_late_report_of_an_execution_leaves_the_one_that_resumed_the_batch_alone(
    stage: Stage, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(context)
    table = type(gateways.stage().batches)
    read = table.batch

    def resumed_after(self: Any, model: str, batch: str) -> dict[str, Any]:
        """Another execution resumes the batch between the report's reading and its writing."""
        record = read(self, model, batch)
        self.claim(model, batch, BATCH, f"{BATCH}-r2", {})
        return record

    monkeypatch.setattr(table, "batch", resumed_after)
    stopped = {"name": BATCH, "status": "ABORTED", "input": '{"model": "churn"}'}
    close_batch.handler({"detail": stopped}, context)

    record = stage.batch(BATCH)
    assert (record["status"], record["execution"]) == ("RUNNING", f"{BATCH}-r2")
