"""When the pipeline is full, and when a newer release comes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.releases.open_release import Opening, open_release
from core.releases.start_release import MOST_REVIEWS, start_queued
from core.stage.items import Items
from core.words.formats import timestamp
from tests.support.opening import NOW, build, client_of, judged, opening, pipeline, releases, source
from tests.support.release_doubles import ADA, Pipeline
from tests.support.release_table import KilledError
from tests.support.stage_in_memory import BUCKET, RUN, TABLE, Stage

__all__ = ["judged", "opening", "pipeline", "source"]


def of_run(stage: Stage, judged: dict[str, Any], number: int) -> dict[str, Any]:
    """The same candidate again, of another run, in a package of its own."""
    run = f"{RUN[:-3]}{number:03d}"
    for key in [
        each["Key"]
        for each in stage.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"runs/churn/{RUN}/")["Contents"]
    ]:
        body = stage.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        stage.put(key.replace(RUN, run), body.replace(RUN.encode(), run.encode()))
    arn = stage.register("PendingManualApproval", run=run)
    return {**judged, "run": run, "package_arn": arn}


def history(event: str) -> list[tuple[int, str]]:
    items = Items(client_of("dynamodb"), TABLE).beginning_with("churn", "history#")
    return [(each["release"], each["reason"]) for each in items if each["event"] == event]


def test_a_newer_waiting_release_ends_the_review_of_an_older_one(
    stage: Stage, opening: Opening, pipeline: Pipeline, judged: dict[str, Any]
) -> None:
    first = of_run(stage, judged, 1)
    open_release(opening, first, NOW)
    open_release(opening, of_run(stage, judged, 2), NOW + timedelta(days=1))

    older, newer = releases().releases("churn")
    runs = [pipeline.runs[str(each.execution)] for each in (older, newer)]
    reason = "release 2 is newer and waits for its review"
    assert [run.status for run in runs] == ["Stopped", "InProgress"]
    assert (older.status, older.decision_reason) == ("SUPERSEDED", reason)
    package = opening.stage.registry.package(first["package_arn"])
    assert package.approval == "Rejected"
    assert package.reason == f"release 1: superseded at 2026-11-22 06:00:00 UTC: {reason}"
    assert history("superseded") == [(1, reason)]
    # No failure, and so no severity that anybody is woken by.
    assert [(fact["event"], fact["release"]) for fact in stage.facts()] == [
        ("release waits", 1),
        ("release superseded", 1),
        ("release waits", 2),
    ]


def test_the_definition_may_let_every_release_wait(
    stage: Stage, opening: Opening, judged: dict[str, Any]
) -> None:
    key = opening.stage.store.run_key("churn", RUN, "run.json")
    plan = opening.stage.store.read_json(key)
    plan["definition"]["content"]["releases"] = {"supersede": False}
    opening.stage.store.write_json(key, plan)

    for number in (1, 2):
        open_release(opening, of_run(stage, judged, number), NOW + timedelta(days=number))

    assert [each.status for each in releases().releases("churn")] == ["WAITING", "WAITING"]


def test_a_decision_that_is_not_recorded_yet_is_not_superseded(
    stage: Stage, opening: Opening, pipeline: Pipeline, judged: dict[str, Any]
) -> None:
    open_release(opening, of_run(stage, judged, 1), NOW)
    [run] = pipeline.runs.values()
    pipeline.answer(str(run.actions["ApproveRelease"].external_id), "Approved", "good", ADA)

    open_release(opening, of_run(stage, judged, 2), NOW + timedelta(days=1))

    older, newer = releases().releases("churn")
    assert [(each.status, each.decided_by) for each in (older, newer)] == [
        ("APPROVED", ADA),
        ("WAITING", None),
    ]
    assert run.status == "InProgress"


def test_a_release_that_finds_no_room_is_kept_and_started_when_there_is_some(
    stage: Stage, opening: Opening, pipeline: Pipeline, judged: dict[str, Any]
) -> None:
    pipeline.limit = 1
    pipeline.start({"review": "manual"}, "key", "v1", "another model's release")

    answer = open_release(opening, judged, NOW)

    kept = releases().release("churn", 1)
    assert kept is not None
    assert (answer["release"], answer["execution"]) == (1, None)
    assert (kept.status, kept.execution) == ("WAITING", None)
    assert stage.facts() == []  # nobody can review it yet

    pipeline.end(next(iter(pipeline.runs.values())), "Failed")
    later = NOW + timedelta(days=3)
    start_queued(opening.stage, later)

    started = releases().release("churn", 1)
    assert started is not None
    assert started.execution in pipeline.runs
    assert started.started_at == timestamp(later)  # its review ends so much later, too
    assert [fact["event"] for fact in stage.facts()] == ["release waits"]
    assert releases().queue() == []
    start_queued(opening.stage, NOW)
    assert (len(pipeline.runs), stage.facts()) == (2, [])


def test_a_kept_release_that_a_newer_one_supersedes_is_never_started(
    stage: Stage, opening: Opening, pipeline: Pipeline, judged: dict[str, Any]
) -> None:
    pipeline.limit = 0
    for number in (1, 2):
        open_release(opening, of_run(stage, judged, number), NOW + timedelta(days=number))
    pipeline.limit = 50

    start_queued(opening.stage, NOW)

    assert [run.variables["release"] for run in pipeline.runs.values()] == ["2"]
    assert [number for number, _ in history("opened")] == [1, 2]
    assert [(fact["event"], fact["release"]) for fact in stage.facts()] == [
        ("release superseded", 1),
        ("release waits", 2),
    ]


def test_reviews_leave_room_for_releases_without_one_and_for_rollbacks(
    stage: Stage, opening: Opening, pipeline: Pipeline, judged: dict[str, Any]
) -> None:
    for number in range(MOST_REVIEWS):
        pipeline.start({"review": "manual"}, "key", "v1", f"release {number}")
    open_release(opening, of_run(stage, judged, 1), NOW)
    key = opening.stage.store.run_key("churn", RUN, "run.json")
    plan = opening.stage.store.read_json(key)
    plan["definition"]["content"]["approval"] = "automatic"
    opening.stage.store.write_json(key, plan)

    automatic = {**of_run(stage, judged, 2), "verdict": "promote"}
    open_release(opening, automatic, NOW + timedelta(days=1))

    kept, started = releases().releases("churn")
    assert kept.execution is None
    assert started.execution in pipeline.runs


def test_a_release_whose_function_died_before_it_was_started_is_started_by_the_next_one(
    stage: Stage, source: Path, opening: Opening, pipeline: Pipeline, judged: dict[str, Any]
) -> None:
    calls = iter([*range(6, -1, -1), *[1] * 50])  # numbered, four objects, the record
    with pytest.raises(KilledError):
        open_release(build(source, pipeline, calls), of_run(stage, judged, 1), NOW)
    [dead] = pipeline.runs  # it was started, and its record does not name it
    assert releases().releases("churn")[0].execution is None
    later = {**judged, "verdict": "promote"}
    key = opening.stage.store.run_key("churn", RUN, "run.json")
    plan = opening.stage.store.read_json(key)
    plan["definition"]["content"]["approval"] = "automatic"  # it supersedes nothing
    opening.stage.store.write_json(key, plan)

    open_release(opening, later, NOW + timedelta(days=1))

    assert [run.variables["release"] for run in pipeline.runs.values()] == ["1", "2"]
    assert releases().releases("churn")[0].execution == dead
