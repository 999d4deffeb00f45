"""Judge Candidate against a bucket in memory: what it reads, what it writes, what it hands on."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest

from core.cost.prices import SAMPLE
from core.cost.reported import cost
from core.gate.evidence import read_evidence
from core.gate.judge_candidate import client_token, judge_candidate
from core.gate.metrics_line import history_line
from core.gate.rules import judge
from core.stage.bucket import ObjectMissingError, Store
from core.usage.places import places
from core.usage.sizing import sizings
from core.usage.step_usage import FOLDERS
from tests.support.control_cases import DEFINITION, passing_evaluation

RUN, BEFORE, MODEL = "churn-261121055501-x7k", "churn-261101055501-a1b", "churn"
FOLDER, URI = f"runs/churn/{RUN}", f"s3://kanmon-data/runs/churn/{RUN}"
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
CONTENT = DEFINITION.model_dump(mode="json")
CHAMPION = {"run": BEFORE, "release": 3, "package_arn": "arn", "version": 3}
PLAN: dict[str, Any] = {
    "model": MODEL,
    "run": RUN,
    "reason": "new data",
    "fingerprint": "f" * 64,
    "images": {step: f"repo@sha256:{step[0] * 64}" for step in ("preprocess", "train", "evaluate")},
    "snapshot": {"id": "a" * 32},
    "definition": {"sha256": "d" * 64, "content": CONTENT},
    "champion": None,
    "commit": None,
}
TRAINING = {"model_sha256": "e" * 64}
PREPROCESS = {"rows_read": 1000}
USAGE: dict[str, dict[str, float]] = {
    "preprocess": {"seconds": 1.0, "peak_memory_mb": 400.0},
    "train": {"seconds": 2.0},
    "evaluate": {"seconds": 3.0},
}


class Bucket(Store):
    """The objects of a bucket by their keys: bytes and content type."""

    def __init__(self, version: str | None = "v1") -> None:
        self.bucket, self.version = "kanmon-data", version
        self.objects: dict[str, tuple[str, str]] = {}

    def read(self, key: str) -> bytes:
        if key not in self.objects:
            raise ObjectMissingError(f"{self.uri(key)} is not there")
        return self.objects[key][0].encode()

    def version_of(self, key: str) -> str | None:
        return f"{self.version} of {key}" if self.version else None

    def _write(self, key: str, body: str, kind: str) -> None:
        self.objects[key] = (body, kind)

    def document(self, key: str) -> Any:
        return json.loads(self.objects[key][0])


def bucket(
    plan: Mapping[str, Any] = PLAN, *, version: str | None = "v1", **evaluation: Any
) -> Bucket:
    """What the steps of a run left."""
    store = Bucket(version)
    store.write_json(f"{FOLDER}/run.json", plan)
    store.write_json(f"{FOLDER}/train/training.json", TRAINING)
    store.write_json(f"{FOLDER}/preprocess/report/preprocess.json", PREPROCESS)
    document = {**passing_evaluation(), "champion": None, "reference": None, **evaluation}
    store.write_json(f"{FOLDER}/evaluate/evaluation.json", document)
    for step, used in USAGE.items():
        store.write_json(f"{FOLDER}/{FOLDERS[step]}/usage.json", {"format": 1, **used})
    return store


def judged(
    store: Bucket, steps: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], list[Any], dict[str, Any]]:
    """What the registration gets, and what the page is made from."""
    given: list[Any] = []
    named: dict[str, Any] = {}

    def render(*args: Any, **kwargs: Any) -> str:
        given.extend(args)
        named.update(kwargs)
        return "<html>the page</html>"

    return judge_candidate(store, render, MODEL, RUN, NOW, steps), given, named


def metric(**known: float) -> dict[str, Any]:
    """The primary metric's result, null where it is not known."""
    names = ("candidate", "champion", "difference", "low", "high")
    return {"name": "auc", **{name: known.get(name) for name in names}}


def test_the_page_is_made_from_all_that_the_steps_left() -> None:
    store = bucket()
    evaluation = store.document(f"{FOLDER}/evaluate/evaluation.json")

    _, given, named = judged(store)

    placed = places(CONTENT["resources"])
    costs = cost(USAGE, placed, SAMPLE)
    verdict = {
        **asdict(judge(DEFINITION, evaluation)),
        "judged_at": "2026-11-21T06:00:00Z",
        "cost": costs,
        "metric": metric(candidate=evaluation["candidate"]["metrics"]["auc"]["value"]),
        "ran": {},
        "sizing": sizings(USAGE, placed, SAMPLE),
    }
    assert given == [PLAN, evaluation, verdict]
    assert named == {
        "judged_at": "2026-11-21T06:00:00Z",
        "training": TRAINING,
        "preprocess": PREPROCESS,
        "champion_definition": None,
        "trials": None,
        "cost": costs,
    }


def test_a_judgement_is_kept_as_a_verdict_a_page_and_a_line_of_the_table() -> None:
    store = bucket()
    before = set(store.objects)

    _, [plan, evaluation, verdict], named = judged(store)

    written = {key: kind for key, (_, kind) in store.objects.items() if key not in before}
    assert written == {
        f"{FOLDER}/verdict.json": "application/json",
        f"{FOLDER}/review.html": "text/html; charset=utf-8",
        f"metrics/model=churn/{RUN}.json": "application/json",
    }
    assert store.document(f"{FOLDER}/verdict.json") == json.loads(json.dumps(verdict))
    assert store.objects[f"{FOLDER}/review.html"][0] == "<html>the page</html>"
    assert store.document(f"metrics/model=churn/{RUN}.json") == json.loads(
        json.dumps(history_line(plan, evaluation, verdict, named["judged_at"], named["cost"]))
    )


@pytest.mark.parametrize(
    ("changes", "verdict", "status"),
    [
        ({}, "promote", "PendingManualApproval"),
        ({"champion": {"obstacle": "its target is another"}}, "hold", "PendingManualApproval"),
        ({"candidate": {}}, "reject", "Rejected"),
    ],
)
def test_the_registration_gets_the_verdict_and_where_everything_is(
    changes: dict[str, Any], verdict: str, status: str
) -> None:
    registration, [_, evaluation, document], _ = judged(bucket(**changes))

    metadata = registration.pop("metadata")
    assert registration == {
        "verdict": verdict,
        "summary": document["summary"],
        "approval_status": status,
        "review_uri": f"{URI}/review.html",
        "evaluation_uri": f"{URI}/evaluate/evaluation.json",
        "statistics_uri": f"{URI}/evaluate/statistics.json",
        "description": registration["description"],
        "model_data_url": f"{URI}/train/model.tar.gz",
        "image": PLAN["images"]["train"],
        "client_token": client_token("f" * 64, RUN),
        "metric": document["metric"],
        "steps": {"ran": {}, "seen": {}},
    }
    assert registration["description"].startswith(f"{verdict}: ")
    assert document["summary"] == judge(DEFINITION, evaluation).summary
    assert metadata["artifact_uri"] == f"{URI}/train/model.tar.gz"
    assert metadata["artifact_sha256"] == "e" * 64
    assert metadata["artifact_version"] == f"v1 of {FOLDER}/train/model.tar.gz"
    assert metadata["evaluation_uri"] == f"{URI}/evaluate/evaluation.json"
    assert metadata["report_uri"] == f"{URI}/preprocess/report/"
    assert metadata["review_uri"] == f"{URI}/review.html"


def test_a_bucket_without_versions_has_a_model_file_without_one() -> None:
    assert judged(bucket(version=None))[0]["metadata"].get("artifact_version", "") == ""


def test_a_token_is_36_letters_of_the_fingerprint_and_the_run() -> None:
    tokens = {client_token(*each) for each in [("f", "r"), ("f", "s"), ("g", "r"), ("r", "f")]}

    assert len(tokens) == 4
    assert {len(token) for token in tokens} == {36}
    # A registration that is repeated after an update of Kanmon is still the same one.
    assert client_token("f", "r") == "328e940fc5c552b799c36ef72d2e2f157e99"


# ---- what counts as evidence


@pytest.mark.parametrize("other", ["champion", "reference"])
def test_a_model_that_the_plan_names_and_the_evaluation_leaves_out_is_a_broken_one(
    other: str,
) -> None:
    plan = {**PLAN, other: CHAMPION}

    evidence = read_evidence(bucket(plan), MODEL, RUN)

    assert evidence.evaluation[other] == {}
    assert {**evidence.evaluation, other: None} == read_evidence(bucket(), MODEL, RUN).evaluation


@pytest.mark.parametrize("other", ["champion", "reference"])
def test_a_model_that_was_evaluated_is_left_as_it_is(other: str) -> None:
    found = passing_evaluation()[other]

    for plan in (PLAN, {**PLAN, other: CHAMPION}):
        evidence = read_evidence(bucket(plan, **{other: found}), MODEL, RUN)

        assert evidence.evaluation[other] == found


def test_an_evaluation_of_another_run_is_none_of_this_one() -> None:
    with pytest.raises(ObjectMissingError) as raised:
        read_evidence(bucket(run="other"), MODEL, RUN)

    assert str(raised.value) == (
        f"{URI}/evaluate/evaluation.json is not the evaluation of run {RUN}; "
        "look at the evaluate step's log and run again"
    )


def test_an_evaluation_that_is_no_document_is_none() -> None:
    store = bucket()
    store.write_json(f"{FOLDER}/evaluate/evaluation.json", ["odd"])

    with pytest.raises(ObjectMissingError, match=f"is not the evaluation of run {RUN}"):
        read_evidence(store, MODEL, RUN)


def test_a_report_that_preprocess_did_not_write_is_empty() -> None:
    store = bucket()
    del store.objects[f"{FOLDER}/preprocess/report/preprocess.json"]

    evidence = read_evidence(store, MODEL, RUN)

    assert evidence.preprocess is None


def test_a_step_that_left_no_usage_is_of_unknown_length_cost_and_size() -> None:
    store = bucket()
    del store.objects[f"{FOLDER}/train/usage.json"]

    _, [_, _, verdict], named = judged(store)

    assert named["cost"]["usd"] is None
    assert set(named["cost"]["seconds"]) == {"preprocess", "evaluate"}
    assert verdict["sizing"]["train"]["outcome"] == "unknown"


def test_of_several_hosts_the_one_that_used_most_counts_and_all_are_paid_for() -> None:
    content = {**CONTENT, "compute": {"preprocess": {"hosts": 3}}}
    store = bucket({**PLAN, "definition": {"sha256": "d" * 64, "content": content}})
    report = f"{FOLDER}/preprocess/report"
    store.write_json(f"{report}/usage-002.json", {"seconds": 36.0, "peak_memory_mb": 90})

    _, [_, _, verdict], named = judged(store)

    sized = verdict["sizing"]["preprocess"]
    assert (sized["peak_memory_mb"], sized["seconds"], sized["hosts"]) == (400, 36, 3)
    price = SAMPLE.an_hour("ml.m5.large") or 0
    assert named["cost"]["usd"] == pytest.approx((3 * 36 + 2 + 3) * price / 3600)


def test_a_step_that_was_a_function_costs_as_one_and_is_sized_as_one() -> None:
    ran = {"train": {"rung": "lambda", "memory_mb": 3008, "seconds": 4.0}}

    _, [_, _, verdict], named = judged(bucket(), steps={"ran": ran})

    train = 3008 / 1024 * 4 * (SAMPLE.step_gb_second or 0) + (SAMPLE.request or 0)
    others = (1 + 3) * (SAMPLE.an_hour("ml.m5.large") or 0) / 3600
    assert named["cost"]["usd"] == pytest.approx(train + others, abs=1e-8)
    assert verdict["ran"] == ran


@pytest.mark.parametrize(
    ("content", "resources"),
    [({"resources": {"train": {"instance_type": "ml.m5.large"}}}, ["train"]), ({}, [])],
)
def test_the_machines_are_those_of_the_definition(
    content: dict[str, Any], resources: list[str]
) -> None:
    plan = {**PLAN, "definition": {"sha256": "d" * 64, "content": content}}

    placed = read_evidence(bucket(plan), MODEL, RUN).placed()

    assert [step for step, place in placed.items() if "instance_type" in place] == resources


@pytest.mark.parametrize(
    ("champion_plan", "definition"),
    [
        ({"definition": {"content": {"name": "churn"}}}, {"name": "churn"}),
        ({"definition": {"content": ["odd"]}}, None),
        ({"definition": {}}, None),
        ({}, None),
        (["odd"], None),
        (None, None),
    ],
)
def test_the_champions_definition_is_that_of_its_run_if_it_can_be_read(
    champion_plan: Any, definition: dict[str, Any] | None
) -> None:
    store = bucket({**PLAN, "champion": CHAMPION}, champion=passing_evaluation()["champion"])
    if champion_plan is not None:
        store.write_json(f"runs/churn/{BEFORE}/run.json", champion_plan)

    assert read_evidence(store, MODEL, RUN).champion_definition == definition
    assert judged(store)[2]["champion_definition"] == definition


def test_without_a_champion_there_is_no_definition_of_one() -> None:
    store = bucket()
    store.write_json(f"runs/churn/{BEFORE}/run.json", {"definition": {"content": {}}})

    assert read_evidence(store, MODEL, RUN).champion_definition is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"champion": {"metrics": {"auc": {"value": 0.79}}}},
            metric(candidate=0.8, champion=0.79, difference=0.01, low=0.001, high=0.019),
        ),
        ({"champion": None}, metric(candidate=0.8)),
        (  # nothing to compare with, though there is a champion
            {"champion": {"obstacle": "its target is another"}, "difference": {}},
            metric(candidate=0.8),
        ),
        ({"candidate": {}, "difference": {"auc": {"value": "nan"}}}, metric()),
        ({"primary": None}, None),
    ],
)
def test_facts_get_the_primary_metric_of_both_models_and_their_difference(
    changes: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    registration, _, _ = judged(bucket(**changes))

    assert registration["metric"] == expected


def searching() -> dict[str, Any]:
    """The plan of a run that searched."""
    plan = copy.deepcopy(PLAN)
    plan["definition"]["content"]["search"] = {"space": {"eta": {"low": 0.1, "high": 0.5}}}
    return plan


def test_a_run_that_searched_is_judged_with_its_trials() -> None:
    trials = [
        {"number": 1, "value": 0.79},
        {"number": 2, "value": None, "reason": "no"},
        {"number": 3, "value": 0.81},
    ]
    left = {"metric": "auc", "best": 3, "stopped_by": "minutes", "trials": trials}
    store = bucket(searching())
    store.write_json(f"{FOLDER}/train/trials.json", left)

    _, _, named = judged(store)

    assert named["trials"] == left
    best = {"trial": 3, "value": 0.81}
    told = {"metric": "auc", "trials": 3, "failed": 1, "best": best, "own": 0.79}
    found = store.document(f"{FOLDER}/verdict.json")["search"]
    assert found == {**told, "stopped_by": "minutes"}


def test_a_run_that_searched_and_left_no_trials_is_a_broken_one() -> None:
    with pytest.raises(ObjectMissingError, match=r"trials\.json is not there"):
        judged(bucket(searching()))


def test_a_run_without_a_search_reads_no_trials_and_its_verdict_has_none() -> None:
    store = bucket()
    store.write_json(f"{FOLDER}/train/trials.json", {"trials": []})

    _, _, named = judged(store)

    assert named["trials"] is None
    assert "search" not in store.document(f"{FOLDER}/verdict.json")
