"""`python -m evaluate`: what it reads, what it leaves, and how it fails."""

import json
import shutil

import pytest

from contract.artifact import sha256
from contract.paths import Paths
from contract.step import StepError
from evaluate.__main__ import main
from tests.support.training_cases import document, rows
from train.__main__ import main as train

BASELINE = {
    "rows": 300,
    "features": {"colour": {"kind": "categorical", "missing": 0, "categories": {"red": 1}}},
}
PREPROCESS = {
    "rows_read": 700,
    "rows_written": {"train": 300, "validation": 100, "test": 100},
    "rows_rejected": 0,
    "rejected": [],
    "warnings": [],
}


@pytest.fixture
def job(tmp_path):
    """The folders of a job that has all that Evaluate needs, with a champion."""
    paths = Paths(tmp_path / "processing")
    paths.run_plan.parent.mkdir(parents=True)
    paths.run_plan.write_text(json.dumps(document()))
    for seed, name in enumerate(("train", "validation", "test")):
        paths.input(name).mkdir()
        rows(count=150, seed=seed).write_parquet(paths.input(name) / "part-0.parquet")
    train(paths)
    for name in ("model", "champion"):
        shutil.copytree(paths.output("model"), paths.input(name))
    for name in ("report", "champion-report"):
        paths.input(name).mkdir()
        (paths.input(name) / "baseline.json").write_text(json.dumps(BASELINE))
        (paths.input(name) / "preprocess.json").write_text(json.dumps(PREPROCESS))
    digest = sha256((paths.input("champion") / "model.tar.gz").read_bytes())
    champion = {"run": "r-0", "package_arn": "arn:x", "version": 3, "model_sha256": digest}
    paths.run_plan.write_text(json.dumps(document(champion=champion)))
    return paths


def test_it_leaves_evaluation_statistics_and_golden_records(job):
    main(job)

    folder = job.root / "output/evaluation"
    evaluation = json.loads((folder / "evaluation.json").read_text())
    statistics = json.loads((folder / "statistics.json").read_text())
    assert evaluation["champion"]["version"] == 3
    assert evaluation["data"]["drift"][0]["psi"] == 0
    rmse = evaluation["candidate"]["metrics"]["rmse"]["value"]
    assert statistics["regression_metrics"]["rmse"]["value"] == rmse
    golden = json.loads((folder / "golden.json").read_text())
    assert (golden["format"], golden["task"], len(golden["rows"])) == (1, "regression", 100)


@pytest.fixture
def with_reference(job):
    """The same with a reference."""
    shutil.copytree(job.input("champion"), job.input("reference"))
    shutil.copytree(job.input("champion-report"), job.input("reference-report"))
    plan = json.loads(job.run_plan.read_text())
    named = {"release": 2, "why": "approved", "run": "r-2", "package_arn": "arn:y", "version": 2}
    plan["reference"] = {**named, "model_sha256": plan["champion"]["model_sha256"]}
    job.run_plan.write_text(json.dumps(plan))
    return job


def test_the_reference_is_evaluated_besides_the_champion(with_reference):
    main(with_reference)

    folder = with_reference.root / "output/evaluation"
    reference = json.loads((folder / "evaluation.json").read_text())["reference"]
    assert (reference["release"], reference["why"]) == (2, "approved")
    assert reference["difference"] == {"rmse": {"value": 0.0, "low": 0.0, "high": 0.0}}


def test_a_reference_that_is_not_the_recorded_model_is_refused(with_reference):
    with (with_reference.input("reference") / "model.tar.gz").open("ab") as packed:
        packed.write(b"x")

    with pytest.raises(StepError, match=r"input/reference/model.tar.gz: its sha256 is .+ recorded"):
        main(with_reference)


def test_the_first_model_has_no_champion(job):
    job.run_plan.write_text(json.dumps(document()))

    main(job)

    evaluation = json.loads((job.root / "output/evaluation/evaluation.json").read_text())
    assert (evaluation["champion"], evaluation["data"]["drift"]) == (None, None)


@pytest.mark.parametrize("name", ["model", "champion"])
def test_a_model_that_is_not_the_recorded_one_is_refused(job, name):
    with (job.input(name) / "model.tar.gz").open("ab") as packed:
        packed.write(b"x")

    with pytest.raises(StepError, match=rf"input/{name}/model.tar.gz: its sha256 is .+ recorded"):
        main(job)


@pytest.mark.parametrize(
    "name",
    [
        "model/model.tar.gz",
        "model/training.json",
        "champion/model.tar.gz",
        "champion-report/baseline.json",
        "champion-report/preprocess.json",
        "report/preprocess.json",
        "report/baseline.json",
    ],
)
def test_a_missing_input_is_named(job, name):
    (job.root / "input" / name).unlink()

    with pytest.raises(StepError, match=rf"input/{name}: .+; run .+ again"):
        main(job)


def test_a_report_that_is_not_json_is_named(job):
    (job.input("report") / "baseline.json").write_text("{")

    with pytest.raises(StepError, match=r"baseline.json: not JSON"):
        main(job)


def test_what_several_hosts_of_preprocess_report_is_added_up(job):
    other = {**PREPROCESS, "rows_read": 300, "rows_rejected": 100, "warnings": ["odd"]}
    other["rejected"] = [{"what": "is missing"}]
    (job.input("report") / "preprocess-001.json").write_text(json.dumps(other))

    main(job)

    evaluation = json.loads((job.root / "output/evaluation/evaluation.json").read_text())
    assert evaluation["rows"] == {"train": 600, "validation": 200, "test": 150}
    assert {**evaluation["data"], "drift": None} == {
        "rows_read": 1000,
        "rows_rejected": 100,
        "rejected_share": 0.1,
        "rejected": [{"what": "is missing"}],
        "warnings": ["odd"],
        "drift": None,
    }
