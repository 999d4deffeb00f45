"""Open Batch and Close Batch: a batch opened, resumed, proven, failed; each told once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import close_batch
import open_batch
from core.batches import open_batch as opening
from core.batches.close_batch import UnprovenBatchError
from core.batches.request import BatchRequestError
from core.releases.live_release import LiveRelease, NoLiveReleaseError
from core.runs.snapshot import EmptyDatasetError, UnknownFileKindError
from core.stage import gateways
from tests.support.batches import BATCH, FOLDER, RELEASE, done, leave_scored
from tests.support.opened_batches import opened, put_in_service
from tests.support.stage_in_memory import BUCKET, Context, Stage

Load = Callable[[str], dict[str, Any]]
DATA = "datasets/churn/customers.csv"


@pytest.fixture
def stage(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A release in service, besides what every stage of these tests has."""
    put_in_service(stage, monkeypatch)
    return stage


def test_a_batch_is_planned_with_the_exact_versions_and_the_pinned_release(
    stage: Stage, context: Context, load_event: Load
) -> None:
    answer = open_batch.handler(load_event("open_batch"), context)

    plan = stage.get_json(f"{FOLDER}/plan.json")
    version = stage.s3.head_object(Bucket=BUCKET, Key=DATA)["VersionId"]
    assert [(one["key"], one["version_id"]) for one in plan["objects"]] == [(DATA, version)]
    assert plan["release"] == RELEASE
    assert (answer["outcome"], answer["batch"], answer["release"]) == ("planned", BATCH, 3)
    assert answer["plan_uri"] == f"s3://{BUCKET}/{FOLDER}/plan.json"
    assert answer["model_uri"] == RELEASE["artifact_uri"]
    assert answer["resources"]["instance_count"] == plan["hosts"] == 1
    assert "@sha256:" in answer["image"]
    record = stage.batch(BATCH)
    assert (record["status"], record["execution"], record["reason"]) == (
        "RUNNING",
        BATCH,
        "monthly",
    )
    assert (record["release"], record["files"]) == ("3", "1")


def test_opening_twice_is_opening_once(stage: Stage, context: Context) -> None:
    first = opened(context)
    stage.put(DATA, "gender,tenure,churn\nm,2,no\n")

    assert opened(context) == first
    assert len(stage.get_json(f"{FOLDER}/plan.json")["objects"]) == 1


def test_files_that_are_replaced_or_removed_later_stay_as_they_were_planned(
    stage: Stage, context: Context
) -> None:
    opened(context)
    [planned] = stage.get_json(f"{FOLDER}/plan.json")["objects"]
    stage.put(DATA, "gender\nm\n")
    stage.s3.delete_object(Bucket=BUCKET, Key=DATA)

    found = stage.s3.get_object(Bucket=BUCKET, Key=DATA, VersionId=planned["version_id"])

    assert found["Body"].read() == b"gender,tenure,churn\nf,1,yes\n"


def test_files_are_scored_by_name_or_by_folder(stage: Stage, context: Context) -> None:
    stage.put("ours/a.csv", "gender,tenure\nf,1\n")
    stage.put("ours/a.csv.gz", b"z")
    stage.put("ours/_SUCCESS", b"")

    def keys(**request: Any) -> list[str]:
        name = f"churn-26112205550{len(request)}-aaa"
        opened(context, name, reason="r" * (1 + len(str(request))), **request)
        plan = stage.get_json(f"batches/churn/{name}/plan.json")
        return [one["key"] for one in plan["objects"]]

    assert keys(prefix="ours/") == ["ours/a.csv", "ours/a.csv.gz"]
    assert keys(objects=["ours/a.csv"], explain=2) == ["ours/a.csv"]


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        ({"prefix": "empty/"}, EmptyDatasetError, f"s3://{BUCKET}/empty/: no data there to score"),
        ({"objects": ["ours/a.csv"]}, EmptyDatasetError, "ours/a.csv: there is no such file"),
        # The beginning of another file's name.
        ({"objects": ["mixed/a"]}, EmptyDatasetError, "mixed/a: there is no such file"),
        ({"prefix": "mixed/"}, UnknownFileKindError, "mixed/notes.txt: not a .csv"),
        ({"objects": ["mixed/_a.csv"]}, UnknownFileKindError, "its name begins with . or _"),
        ({"prefix": "capture/churn/"}, BatchRequestError, "capture/ is Kanmon's own"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_one_line(
    stage: Stage, context: Context, request_: Any, error: type[Exception], words: str
) -> None:
    stage.put("mixed/a.csv", "gender,tenure\nf,1\n")
    stage.put("mixed/notes.txt", "x")
    stage.put("mixed/_a.csv", "gender,tenure\nf,1\n")

    with pytest.raises(error, match=words):
        opened(context, **request_)

    assert "Contents" not in stage.s3.list_objects_v2(Bucket=BUCKET, Prefix="batches/")


def test_a_folder_with_more_files_than_fit_is_refused_in_one_line(
    stage: Stage, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "MOST_FILES", 2)
    for name in ("a", "b", "c"):
        stage.put(f"ours/many/{name}.csv", "gender\nm\n")

    with pytest.raises(BatchRequestError, match="ours/many/: more than 2 files are there, which"):
        opened(context, prefix="ours/many/")


def test_a_file_that_is_gone_is_not_another_whose_name_begins_the_same(
    stage: Stage, context: Context
) -> None:
    for name in ("ours/x.csv", "ours/x.csv.gz"):
        stage.put(name, "gender\nm\n")
    stage.s3.delete_object(Bucket=BUCKET, Key="ours/x.csv")

    with pytest.raises(EmptyDatasetError, match=r"ours/x\.csv: there is no such file"):
        opened(context, objects=["ours/x.csv"])


def test_without_a_release_in_service_nothing_is_planned(
    stage: Stage, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(stage: object, model: str) -> LiveRelease:
        raise NoLiveReleaseError("model churn has no release in service; run it")

    monkeypatch.setattr(opening, "live_release", nothing)

    with pytest.raises(NoLiveReleaseError):
        opened(context)


def test_a_batch_that_is_proven_is_recorded_with_its_manifest_and_told_once(
    stage: Stage, context: Context, load_event: Load
) -> None:
    opened(context)
    leave_scored(stage)

    closed = close_batch.handler(load_event("close_batch"), context)
    again = close_batch.handler(load_event("close_batch"), context)

    assert closed["rows"] == {"rows_in": 10, "scored": 9, "rejected": 1}
    assert closed["summary"].startswith(
        "10 rows in: 9 rows scored, 1 row rejected, with release churn/3"
    )
    assert again["rows"] == closed["rows"]
    manifest = stage.get_json(f"{FOLDER}/manifest.json")
    assert manifest["cost"]["seconds"] == {"score": 60.0}
    record = stage.batch(BATCH)
    assert (record["status"], record["scored"], record["host_seconds"]) == (
        "SUCCEEDED",
        "9",
        "60.0",
    )
    [fact] = stage.facts()
    assert (fact["event"], fact["batch"]) == ("batch done", BATCH)


def test_a_batch_that_a_function_scored_is_recorded_as_one_also_by_a_repeat(
    stage: Stage, context: Context, load_event: Load
) -> None:
    opened(context)
    leave_scored(stage)
    event = load_event("close_batch")
    began, ended = "2026-11-30T06:00:00.000Z", "2026-11-30T06:01:00.000Z"

    stage.put(f"{FOLDER}/usage.json", {"format": 1, "seconds": 50.0, "peak_memory_mb": 700})

    for _ in range(2):
        called = event | {"began": began, "ended": ended, "memory_mb": 2048}
        close_batch.handler(called, context)

    manifest = stage.get_json(f"{FOLDER}/manifest.json")
    sized, cost = manifest["sizing"], manifest["cost"]
    assert (sized["outcome"], sized["peak_memory_mb"], sized["memory_mb"]) == (
        "function",
        700,
        2048,
    )
    assert cost["seconds"] == {"score": 60.0}
    assert cost["usd"] == round(2 * 60 * 0.0000166667 + 2e-7, 8)
    assert stage.batch(BATCH)["function_mb"] == "2048"


def test_the_cost_is_unknown_where_a_function_and_a_job_have_scored_in_turn(
    stage: Stage, context: Context, load_event: Load
) -> None:
    opened(context)
    event = load_event("close_batch")
    with pytest.raises(UnprovenBatchError):  # what the function left is not whole
        close_batch.handler(event | {"memory_mb": 2048}, context)
    leave_scored(stage)

    close_batch.handler(event | {"began": 1795250501000, "ended": 1795250561000}, context)

    assert stage.get_json(f"{FOLDER}/manifest.json")["cost"]["usd"] is None


def test_the_cost_of_a_batch_is_unknown_where_the_platform_lost_a_job(
    stage: Stage, context: Context, load_event: Load
) -> None:
    opened(context)
    leave_scored(stage)

    close_batch.handler(load_event("close_batch") | {"lost": 1}, context)

    cost = stage.get_json(f"{FOLDER}/manifest.json")["cost"]
    assert (cost["usd"], stage.batch(BATCH)["host_seconds"]) == (None, "unknown")


def test_a_batch_that_is_not_proven_does_not_count_as_done(
    stage: Stage, context: Context, load_event: Load
) -> None:
    opened(context)
    record = done(0)
    record["files"][0]["scored"] -= 1
    leave_scored(stage, record)

    with pytest.raises(UnprovenBatchError) as raised:
        close_batch.handler(load_event("close_batch"), context)

    assert "10 rows in are not 8 scored and 1 rejected, and 1 more problems" in str(raised.value)
    assert "Contents" not in stage.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{FOLDER}/manifest")
    event = load_event("close_batch_failure") | {"error": raised.typename}
    event["cause"] = f'{{"errorType": "UnprovenBatchError", "errorMessage": "{raised.value}"}}'
    assert close_batch.handler(event, context)["message"] == str(raised.value)
    assert stage.batch(BATCH)["status"] == "FAILED"


def test_a_failure_and_its_status_event_are_told_once(
    stage: Stage, context: Context, load_event: Load
) -> None:
    opened(context)

    reported = close_batch.handler(load_event("close_batch_failure"), context)
    event = load_event("close_batch_status")
    event["detail"] |= {"status": "FAILED", "error": reported["error"]}
    event["detail"]["cause"] = reported["message"]
    again = close_batch.handler(event, context)

    words = "score: datasets/churn/customers.csv: column tenure is missing; add it"
    assert reported == again
    assert (reported["error"], reported["message"]) == ("ScoreJobFailed", words)
    record = stage.batch(BATCH)
    assert (record["status"], record["summary"], record["host_seconds"]) == (
        "FAILED",
        words,
        "10.0",
    )
    [fact] = stage.facts()
    assert (fact["event"], fact["summary"]) == ("batch failed", words)


def test_a_request_that_names_no_model_is_still_told(stage: Stage, context: Context) -> None:
    event = {"run": "Odd Name", "model": "", "error": "BatchRequestError", "cause": "so"}

    reported = close_batch.handler({**event, "request": []}, context)

    assert (reported["model"], reported["message"]) == (None, "so")
    assert [fact["model"] for fact in stage.facts()] == [None]


def test_two_batches_of_a_model_do_not_meet(stage: Stage, context: Context) -> None:
    other = "churn-261122055502-c8i"

    assert opened(context)["plan_uri"] != opened(context, other)["plan_uri"]
    assert (stage.batch(BATCH)["status"], stage.batch(other)["status"]) == ("RUNNING", "RUNNING")


def test_a_call_that_died_after_it_wrote_the_plan_keeps_its_release(
    stage: Stage, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened(context)
    plan = stage.get_json(f"{FOLDER}/plan.json")
    gateways.stage().batches.write("churn", BATCH, {"answer": None})
    other = LiveRelease(**{**RELEASE, "number": 4})  # type: ignore[arg-type]
    monkeypatch.setattr(opening, "live_release", lambda stage, model: other)

    assert opened(context) == first
    assert stage.get_json(f"{FOLDER}/plan.json") == plan


def test_a_batch_that_was_stopped_before_it_was_opened_does_not_run_for_ever(
    stage: Stage, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = {"name": BATCH, "status": "ABORTED", "input": '{"model": "churn"}'}
    close_batch.handler({"detail": stopped}, context)
    workflow = type(gateways.stage().scoring)
    monkeypatch.setattr(workflow, "has_ended", lambda self, name: name == BATCH)

    opened(context)

    assert stage.batch(BATCH)["status"] == "FAILED"


def test_a_request_that_is_refused_is_recorded_with_its_time(
    stage: Stage, context: Context
) -> None:
    failed = {"run": BATCH, "model": "churn", "error": "BatchRequestError", "cause": "wrong"}
    close_batch.handler({**failed, "request": {"model": "churn"}}, context)

    record = stage.batch(BATCH)
    assert record["asked_at"] == record["closed_at"]
