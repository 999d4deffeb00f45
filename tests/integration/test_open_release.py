"""Open Release against a stage in memory, killed at any line and started again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

import judge_candidate
import open_release as function
from core.releases.bundle import member, tree_of
from core.releases.open_release import Opening, RejectedCandidateError, open_release
from core.releases.release_json import sha256
from core.releases.start_release import MOST_REVIEWS, start_queued
from core.review.page import render
from core.stage.bucket import ReleaseChangedError, Store
from core.stage.event_bus import EventBus
from core.stage.items import Items
from core.stage.links import Links
from core.stage.registry import Registry
from core.stage.release_table import ReleaseTable
from tests.support.release_table import Clock, KilledError, Table
from tests.support.release_world import ADA, TREE, Pipeline
from tests.support.stage_in_memory import BUCKET, CHAMPION, EVENT_BUS, RUN, TABLE, Context, Stage

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
Open = Callable[..., dict[str, Any]]
FAULTS = pytest.mark.faults


class Killing:
    """A client that ends the function at its nth call."""

    def __init__(self, client: Any, calls: Iterator[int]) -> None:
        self._client = client
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if (
            name
            in (
                *("put_object", "update_item", "transact_write_items"),
                *("delete_item", "put_events"),
            )
            and next(self._calls) == 0
        ):
            raise KilledError
        return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, content in TREE.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline(Clock(), Table())


@pytest.fixture
def opening(stage: Stage, source: Path, pipeline: Pipeline) -> Opening:
    return build(source, pipeline)


@cache
def client_of(service: str) -> Any:
    """Made once: that takes longer than a call."""
    return boto3.client(service)  # type: ignore[call-overload]


def build(source: Path, pipeline: Pipeline, calls: Iterator[int] | None = None) -> Opening:
    def client(name: str) -> Any:
        made = client_of(name)
        return made if calls is None else Killing(made, calls)

    gateways = SimpleNamespace(
        name="kanmon-test",
        short_name="dev",
        region="us-east-1",
        releases=ReleaseTable(Items(client("dynamodb"), TABLE)),
        store=Store(client("s3"), BUCKET),
        pipeline=pipeline,
        registry=Registry(client("sagemaker")),
        links=Links("us-east-1"),
        events=EventBus(client("events"), EVENT_BUS),
    )
    return Opening(stage=gateways, render=render, source=source)


@pytest.fixture
def judged(stage: Stage, context: Context, opened: Open) -> dict[str, Any]:
    """A run whose candidate was judged and registered: what Open Release is given."""
    stage.promote(3, **CHAMPION)
    opened()
    stage.write_results(champion={"metrics": {"auc": {"value": 0.79}}})
    judgement = judge_candidate.handler({"run": RUN, "model": "churn"}, context)
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package/kanmon-test-churn/2"
    stage.facts()
    return {
        "run": RUN,
        "model": "churn",
        "package_arn": arn,
        "verdict": "hold",
        "summary": judgement["summary"],
    }


def stored(stage: Stage) -> dict[str, bytes]:
    listed = stage.s3.list_object_versions(Bucket=BUCKET, Prefix="releases/")["Versions"]
    names = [each["Key"] for each in listed]
    assert len(names) == len(set(names)), "an object of a release was written twice"
    return {
        each["Key"]: stage.s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read()
        for each in listed
    }


def test_a_release_is_written_and_its_pipeline_started(
    stage: Stage, opening: Opening, pipeline: Pipeline, judged: dict[str, Any]
) -> None:
    answer = open_release(opening, judged, NOW)

    files = stored(stage)
    record = json.loads(files["releases/churn/1/release.json"])
    release = ReleaseTable(Items(client_of("dynamodb"), TABLE)).release("churn", 1)
    [run] = pipeline.runs.values()
    assert answer == {
        "release": 1,
        "review_uri": f"s3://{BUCKET}/releases/churn/1/review.html",
        "execution": run.id,
        "approval": "manual",
        "summary": judged["summary"],
    }
    assert release is not None
    assert (release.status, release.run, release.execution) == ("WAITING", RUN, run.id)
    assert release.bundle_sha256 == sha256(files["releases/churn/1/bundle.zip"])
    assert release.release_sha256 == sha256(files["releases/churn/1/release.json"])
    assert record["champion"] == {
        "release": 3,
        "package_arn": stage.item("champion")["package_arn"]["S"],
        "run": CHAMPION["run"],
    }
    assert record["package"] == {"arn": judged["package_arn"], "version": 2}
    assert record["artifact"]["sha256"] == "e" * 64
    assert record["golden"]["sha256"] == sha256(files["releases/churn/1/golden.json"])
    assert record["review"]["sha256"] == sha256(files["releases/churn/1/review.html"])
    assert record["serving"]["canary"] == "Canary10Percent5Minutes"
    assert record["features"][1]["minimum"] == 0
    assert run.variables["review"] == "manual"
    assert run.variables["review_url"].endswith("prefix=releases/churn/1/review.html")


def test_the_bundle_carries_the_record_and_the_serving_code(
    stage: Stage, opening: Opening, judged: dict[str, Any]
) -> None:
    open_release(opening, judged, NOW)

    files = stored(stage)
    bundle = files["releases/churn/1/bundle.zip"]
    assert member(bundle, "release.json") == files["releases/churn/1/release.json"]
    assert member(bundle, "golden.json") == files["releases/churn/1/golden.json"]
    assert tree_of(bundle) == TREE


def test_the_page_is_about_exactly_this_release(
    stage: Stage, opening: Opening, judged: dict[str, Any]
) -> None:
    open_release(opening, judged, NOW)

    files = stored(stage)
    page = files["releases/churn/1/review.html"].decode()
    record = json.loads(files["releases/churn/1/release.json"])
    assert "churn/1" in page
    assert "kanmon approve churn/1" in page
    for part in ("artifact", "golden", "evaluation", "source"):
        assert record[part]["sha256"] in page


def test_the_release_is_told_with_the_way_to_its_review(
    stage: Stage, opening: Opening, judged: dict[str, Any]
) -> None:
    open_release(opening, judged, NOW)

    [fact] = stage.facts()
    assert (fact["event"], fact["release"]) == ("release waits", 1)
    assert fact["review_uri"].endswith("releases/churn/1/review.html")
    assert fact["metric"] == {
        "name": "auc",
        "candidate": 0.8,
        "champion": 0.79,
        "difference": 0.01,
        "low": 0.001,
        "high": 0.019,
    }
    # A week after it was put before people, whatever the clock of the day said when it was opened.
    assert fact["until"] == "2026-11-28T06:00:00Z"


@pytest.mark.parametrize(("allowed", "review"), [(True, "automatic"), (False, "manual")])
def test_a_definition_does_without_a_review_only_where_the_stage_lets_it(
    stage: Stage,
    opening: Opening,
    pipeline: Pipeline,
    judged: dict[str, Any],
    allowed: bool,
    review: str,
) -> None:
    key = opening.stage.store.run_key("churn", RUN, "run.json")
    plan = opening.stage.store.read_json(key)
    plan["definition"]["content"]["approval"] = "automatic"
    opening.stage.store.write_json(key, plan)

    answer = open_release(
        replace(opening, automatic=allowed), {**judged, "verdict": "promote"}, NOW
    )

    [run] = pipeline.runs.values()
    record = json.loads(stored(stage)["releases/churn/1/release.json"])
    assert (answer["approval"], run.variables["review"], record["approval"]) == (review,) * 3


def test_opening_again_changes_nothing(
    stage: Stage, opening: Opening, pipeline: Pipeline, judged: dict[str, Any]
) -> None:
    first = open_release(opening, judged, NOW)
    files = stored(stage)

    again = open_release(opening, judged, NOW + timedelta(hours=1))

    assert again == first
    assert stored(stage) == files
    assert (len(pipeline.runs), len(stage.facts())) == (1, 1)


@pytest.mark.faults
@pytest.mark.parametrize("at", range(11))
def test_a_function_killed_at_any_write_ends_in_the_same_release(
    stage: Stage, source: Path, pipeline: Pipeline, judged: dict[str, Any], at: int
) -> None:
    calls = iter([*range(at, -1, -1), *[1] * 50])
    with contextlib.suppress(KilledError):
        open_release(build(source, pipeline, calls), judged, NOW)

    later = NOW + timedelta(minutes=5)
    answer = open_release(build(source, pipeline), judged, later)

    assert answer["release"] == 1
    assert sorted(stored(stage)) == [
        f"releases/churn/1/{name}"
        for name in ("bundle.zip", "golden.json", "release.json", "review.html")
    ]
    assert len(pipeline.runs) == 1
    assert [fact["event"] for fact in stage.facts()][:1] == ["release waits"]
    history = Items(client_of("dynamodb"), TABLE).beginning_with("churn", "history#")
    assert [item["event"] for item in history] == ["opened"]


# The first that is written and the last; those between them are for `make test-faults`.
@pytest.mark.parametrize(
    "name",
    [
        "golden.json",
        pytest.param("review.html", marks=FAULTS),
        pytest.param("release.json", marks=FAULTS),
        "bundle.zip",
    ],
)
def test_a_number_that_a_dead_run_has_used_is_left_out(
    stage: Stage, opening: Opening, judged: dict[str, Any], name: str
) -> None:
    """The table may have lost what it counted just before a crash; the objects are still there."""
    for number in (1, 2):
        stage.put(f"releases/churn/{number}/{name}", b"of another run")

    answer = open_release(opening, judged, NOW)

    files = stored(stage)
    assert answer["release"] == 3
    assert json.loads(files["releases/churn/3/release.json"])["release"] == 3
    assert files[f"releases/churn/1/{name}"] == b"of another run"
    assert (stage.record()["release"], stage.record()["release_number"]) == ("3", "3")
    assert open_release(opening, judged, NOW + timedelta(hours=1)) == answer


def test_where_all_numbers_are_taken_nothing_is_written_over(
    stage: Stage, opening: Opening, judged: dict[str, Any]
) -> None:
    for number in range(1, 30):
        stage.put(f"releases/churn/{number}/golden.json", b"{}")

    with pytest.raises(ReleaseChangedError, match=r"golden.json is there already with other"):
        open_release(opening, judged, NOW)


# It is numbered, and has written some objects.
@pytest.mark.parametrize("at", [1, *(pytest.param(at, marks=FAULTS) for at in (2, 3, 4)), 5])
def test_a_run_that_died_before_the_record_names_no_release(
    stage: Stage, source: Path, pipeline: Pipeline, judged: dict[str, Any], at: int
) -> None:
    """Else `kanmon show` would look for a release that is not there."""
    calls = iter([*range(at, -1, -1), *[1] * 50])
    with pytest.raises(KilledError):
        open_release(build(source, pipeline, calls), judged, NOW)

    assert "release" not in stage.record()
    assert releases().releases("churn") == []


# ---- when the pipeline is full, and when a newer release comes


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


def releases() -> ReleaseTable:
    return ReleaseTable(Items(client_of("dynamodb"), TABLE))


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
    assert package.reason == f"release 1: superseded at 2026-11-22T06:00:00Z: {reason}"
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
    start_queued(opening.stage, NOW)

    started = releases().release("churn", 1)
    assert started is not None
    assert started.execution in pipeline.runs
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


def test_a_rejected_candidate_opens_nothing(
    stage: Stage, opening: Opening, pipeline: Pipeline, judged: dict[str, Any]
) -> None:
    with pytest.raises(RejectedCandidateError, match="its verdict is reject"):
        open_release(opening, {**judged, "verdict": "reject"}, NOW)

    assert pipeline.runs == {}


def test_the_handler_reads_its_stage_from_the_environment(
    stage: Stage,
    opening: Opening,
    source: Path,
    judged: dict[str, Any],
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAYERS_ROOT", str(source))
    function.opening.cache_clear()
    built = function.opening()
    monkeypatch.setattr(function, "opening", lambda: opening)

    answer = function.handler(judged, context)

    assert (built.stage.name, built.stage.region, built.source) == (
        "kanmon-test",
        "us-east-1",
        source,
    )
    assert answer["release"] == 1
