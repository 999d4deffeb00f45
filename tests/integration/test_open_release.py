"""Open Release against a stage in memory, killed at any line and started again."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import open_release as function
from core.releases.bundle import member, tree_of
from core.releases.open_release import Opening, RejectedCandidateError, open_release
from core.releases.release_json import sha256
from core.stage.bucket import ReleaseChangedError
from core.stage.items import Items
from core.stage.release_table import ReleaseTable
from tests.support.opening import NOW, build, client_of, judged, opening, pipeline, releases, source
from tests.support.release_doubles import Pipeline
from tests.support.release_table import KilledError
from tests.support.release_world import TREE
from tests.support.stage_in_memory import BUCKET, CHAMPION, RUN, TABLE, Context, Stage

__all__ = ["judged", "opening", "pipeline", "source"]


FAULTS = pytest.mark.faults


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
    assert fact["reason"] == stage.get_json(f"runs/churn/{RUN}/run.json")["reason"]
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
