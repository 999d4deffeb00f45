"""Judge Candidate against a bucket in memory, with the real review page."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

import pytest

import judge_candidate
import open_run
from core.gate.judge_candidate import client_token
from core.stage.bucket import ObjectMissingError
from tests.support.control_cases import passing_evaluation
from tests.support.stage_in_memory import CHAMPION, RUN, Context, Stage

Load = Callable[[str], dict[str, Any]]
FOLDER = f"s3://kanmon-test-data/runs/churn/{RUN}"


@pytest.fixture
def opened(stage: Stage, context: Context) -> dict[str, Any]:
    return open_run.handler(
        {"run": RUN, "request": {"model": "churn", "reason": "new data"}}, context
    )


def test_a_first_candidate_that_passes_every_rule_awaits_approval(
    stage: Stage, context: Context, load_event: Load, opened: dict[str, Any]
) -> None:
    stage.write_results()
    version = stage.s3.head_object(
        Bucket="kanmon-test-data", Key=f"runs/churn/{RUN}/train/model.tar.gz"
    )["VersionId"]

    judgement = judge_candidate.handler(load_event("judge_candidate"), context)

    summary = (
        "promote: every rule passed, AUC 0.80 (0.75 to 0.85); "
        "no champion yet, so nothing to compare with"
    )
    assert judgement == {
        "verdict": "promote",
        "summary": summary,
        "approval_status": "PendingManualApproval",
        "review_uri": f"{FOLDER}/review.html",
        "evaluation_uri": f"{FOLDER}/evaluate/evaluation.json",
        "statistics_uri": f"{FOLDER}/evaluate/statistics.json",
        "description": summary,
        "metadata": {
            "run": RUN,
            "fingerprint": opened["fingerprint"],
            "definition": stage.item("definition")["sha256"]["S"],
            "snapshot": opened["snapshot"],
            "reason": "new data",
            "verdict": "promote",
            "summary": "promote: every rule passed AUC 0.80 0.75 to 0.85 "
            "no champion yet so nothing to compare with",
            "artifact_uri": f"{FOLDER}/train/model.tar.gz",
            "artifact_sha256": "e" * 64,
            "artifact_version": version,
            "evaluation_uri": f"{FOLDER}/evaluate/evaluation.json",
            "report_uri": f"{FOLDER}/preprocess/report/",
            "review_uri": f"{FOLDER}/review.html",
            **{
                f"image_{step}": image.partition("@")[2] for step, image in opened["images"].items()
            },
            "primary_metric": "auc",
            "primary_value": "0.80 from 0.75 to 0.85",
        },
        "model_data_url": f"{FOLDER}/train/model.tar.gz",
        "image": opened["images"]["train"],
        "client_token": client_token(opened["fingerprint"], RUN),
        "steps": {"ran": {}, "seen": {}},
        "metric": {
            "name": "auc",
            "candidate": 0.8,
            "champion": None,
            "difference": None,
            "low": None,
            "high": None,
        },
    }


def test_the_verdict_and_the_page_are_kept_with_the_run(
    stage: Stage, context: Context, load_event: Load, opened: dict[str, Any]
) -> None:
    stage.write_results()

    judgement = judge_candidate.handler(load_event("judge_candidate"), context)

    verdict = stage.get_json(f"runs/churn/{RUN}/verdict.json")
    page = stage.s3.get_object(Bucket="kanmon-test-data", Key=f"runs/churn/{RUN}/review.html")
    html = page["Body"].read().decode()
    assert verdict["summary"] == judgement["summary"]
    assert {rule["outcome"] for rule in verdict["rules"]} == {"pass"}
    assert re.fullmatch(r"20\d\d-.+Z", verdict["judged_at"])
    assert page["ContentType"] == "text/html; charset=utf-8"
    assert html.startswith("<!DOCTYPE html>") or html.startswith("<!doctype html>")


def test_a_broken_metric_is_rejected_and_still_gets_its_page(
    stage: Stage, context: Context, load_event: Load, opened: dict[str, Any]
) -> None:
    stage.write_results(candidate={"metrics": {"auc": {"value": math.nan}}})

    judgement = judge_candidate.handler(load_event("judge_candidate"), context)

    assert (judgement["verdict"], judgement["approval_status"]) == ("reject", "Rejected")
    assert "AUC is missing from the evaluation or is not a number" in judgement["description"]
    assert stage.get_json(f"runs/churn/{RUN}/verdict.json")["verdict"] == "reject"


def test_every_judged_run_is_a_line_of_the_metrics_table(
    stage: Stage, context: Context, load_event: Load, opened: dict[str, Any]
) -> None:
    stage.write_results(candidate={"metrics": {"auc": {"value": math.nan}}})
    stage.put(f"runs/churn/{RUN}/evaluate/usage.json", {"format": 1, "seconds": 2.5})

    judge_candidate.handler(load_event("judge_candidate"), context)

    key = f"metrics/model=churn/{RUN}.json"
    written = stage.s3.get_object(Bucket="kanmon-test-data", Key=key)["Body"].read().decode()
    line = json.loads(written)
    assert written.count("\n") == 1
    assert (line["run"], line["verdict"], line["primary_metric"]) == (RUN, "reject", "auc")
    assert line["metrics"][0] == {
        "name": "auc",
        "value": None,
        "low": None,
        "high": None,
        "champion_value": None,
        "champion_low": None,
        "champion_high": None,
        "difference_value": 0.01,
        "difference_low": 0.001,
        "difference_high": 0.019,
    }
    # Train did not measure how long it took, so the cost is not guessed.
    assert (line["seconds"], line["usd"]) == (2.5, None)


def test_judging_twice_says_the_same(
    stage: Stage, context: Context, load_event: Load, opened: dict[str, Any]
) -> None:
    stage.write_results()

    first = judge_candidate.handler(load_event("judge_candidate"), context)

    assert judge_candidate.handler(load_event("judge_candidate"), context) == first


def test_an_evaluation_without_the_runs_champion_does_not_pass_as_a_first_candidate(
    stage: Stage, context: Context, load_event: Load
) -> None:
    stage.promote(3, **CHAMPION)
    open_run.handler({"run": RUN, "request": {"model": "churn"}}, context)
    stage.write_results(champion=None)

    judgement = judge_candidate.handler(load_event("judge_candidate"), context)

    assert judgement["verdict"] == "reject"
    assert judgement["metadata"]["champion_run"] == CHAMPION["run"]


@pytest.mark.parametrize(
    ("key", "content", "words"),
    [
        ("evaluate/evaluation.json", None, "evaluation.json is not there"),
        ("evaluate/evaluation.json", b"{", "evaluation.json is not JSON"),
        ("evaluate/evaluation.json", b'{"run": "other"}', f"is not the evaluation of run {RUN}"),
        ("evaluate/evaluation.json", b"[]", f"is not the evaluation of run {RUN}"),
        ("train/training.json", None, "training.json is not there"),
        ("train/model.tar.gz", None, "model.tar.gz is not there"),
    ],
)
def test_a_result_that_a_step_did_not_write_is_named(
    stage: Stage,
    context: Context,
    load_event: Load,
    opened: dict[str, Any],
    key: str,
    content: bytes | None,
    words: str,
) -> None:
    stage.write_results()
    if content is None:
        stage.s3.delete_object(Bucket="kanmon-test-data", Key=f"runs/churn/{RUN}/{key}")
    else:
        stage.put(f"runs/churn/{RUN}/{key}", content)

    with pytest.raises(ObjectMissingError, match=words):
        judge_candidate.handler(load_event("judge_candidate"), context)


def test_an_evaluation_that_left_the_reference_out_is_rejected(
    stage: Stage, context: Context, load_event: Load, opened: dict[str, Any]
) -> None:
    plan = stage.get_json(f"runs/churn/{RUN}/run.json")
    named = {"release": 1, "why": "approved", "run": "r-1", "package_arn": "arn", "version": 1}
    champion = {**named, "release": 2, "definition_sha256": "d" * 64}
    stage.put(f"runs/churn/{RUN}/run.json", plan | {"champion": champion, "reference": named})
    stage.write_results(champion=passing_evaluation()["champion"], reference=None)

    judgement = judge_candidate.handler(load_event("judge_candidate"), context)

    assert judgement["verdict"] == "reject"
    assert "the reference's" in judgement["summary"]
