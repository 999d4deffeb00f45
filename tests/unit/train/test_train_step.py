"""`python -m train`: what it reads, what it leaves, and how it fails."""

import json
import os
import subprocess
import sys

import polars as pl
import pytest

from contract.artifact import sha256
from contract.paths import Paths
from contract.step import StepError
from tests.support.training_cases import document, rows
from train.__main__ import main


@pytest.fixture
def job(tmp_path):
    """The folders of a job that has all that Train needs."""
    paths = Paths(tmp_path / "processing")
    paths.run_plan.parent.mkdir(parents=True)
    paths.run_plan.write_text(json.dumps(document()))
    for seed, name in enumerate(("train", "validation")):
        paths.input(name).mkdir()
        for part in range(2):
            rows(count=150, seed=10 * seed + part).write_parquet(
                paths.input(name) / f"part-{part}.parquet"
            )
    return paths


def test_it_leaves_a_model_and_a_report_on_it(job):
    main(job)

    report = json.loads((job.root / "output/model/training.json").read_text())
    packed = (job.root / "output/model/model.tar.gz").read_bytes()
    assert report["model_sha256"] == sha256(packed)
    assert report["rounds"] == len(report["history"]["validation"])
    assert report["history"]["metric"] == "rmse"
    assert set(report["validation"]) == {"rmse", "mae", "mape", "r2"}


def test_its_report_is_strict_json_where_a_metric_is_undefined(job):
    settings = document("binary", "xgboost", rounds=2, trainer={"early_stopping_metric": "auc"})
    job.run_plan.write_text(json.dumps(settings))
    for name, chosen in (("train", ["yes", "no"]), ("validation", ["no"])):
        for part in job.input(name).iterdir():
            rows("binary", count=150).filter(pl.col("target").is_in(chosen)).write_parquet(part)

    main(job)

    report = json.loads(
        (job.root / "output/model/training.json").read_text(), parse_constant=pytest.fail
    )
    assert report["history"] == {"metric": "auc", "validation": [None, None]}
    assert report["validation"]["auc"] is None


def test_without_rows_it_reports_which_folder_is_empty(job):
    for part in job.input("validation").iterdir():
        part.unlink()

    with pytest.raises(StepError, match=r"input/validation: there is no Parquet file"):
        main(job)


def test_as_a_process_it_fails_with_one_line_for_the_operator(job):
    job.run_plan.write_text(json.dumps(document(parameters={"etaa": 1}, library="xgboost")))

    done = subprocess.run(
        [sys.executable, "-m", "train"],
        env={**os.environ, "PROCESSING_ROOT": str(job.root)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert job.message.read_text() == done.stderr.strip()
    assert done.stderr == (
        "trainer.parameters.etaa: xgboost does not know this parameter; correct or remove it\n"
    )


def test_a_step_does_not_load_what_it_does_not_need(job):
    """scikit-learn alone would cost a second of every run."""
    asked = "import sys, train.__main__ as t; from contract.paths import Paths; "
    asked += "t.main(Paths.from_environment()); "
    asked += "print([n for n in ('sklearn', 'pandas', 'xgboost', 'onnxruntime', 'boto3')"
    asked += " if sys.modules.get(n)])"

    done = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "PROCESSING_ROOT": str(job.root)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "[]"
