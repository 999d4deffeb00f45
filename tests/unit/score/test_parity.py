"""Batch, the online scorer and the training library give a row the same numbers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from contract.features import Features
from contract.native_model import native_model
from contract.onnx_scoring import onnx_scores, parity
from contract.plan import Feature
from scorer.answering import Scorer
from scorer.model import Model
from tests.support.trained_releases import golden, laid_out, sent, trained
from tests.support.training_cases import LIBRARIES, TASKS, document, plan, rows
from train.model import train


def asked(task: str) -> pl.DataFrame:
    """Rows with missing values and with a category that training did not see."""
    frame = rows(task, 300, 9)
    unseen = pl.when(pl.int_range(pl.len()) % 7 == 0).then(pl.lit("violet")).otherwise("colour")
    return frame.with_columns(colour=unseen)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("task", TASKS)
def test_three_ways_of_scoring_agree(batch: Any, tmp_path: Path, task: str, library: str) -> None:
    artifact, frame = trained(task, library), asked(task)
    job = batch({"a.parquet": frame}, artifact, task)
    job.run()
    found = job.frame("scores")

    digest = laid_out(tmp_path / "online", artifact.pack(), golden(artifact))
    scorer = Scorer(Model.load(tmp_path / "online", digest), "m", 7)
    answer = scorer.answer({"rows": sent(frame)}, "id").document
    predictions = answer["predictions"]
    columns = [name for name in found.columns if name.startswith("probability")]
    if task == "regression":
        columns = ["prediction"]
    assert found["prediction"].to_list() == [each["prediction"] for each in predictions]
    if task == "multiclass":
        classes = list(predictions[0]["probabilities"])
        assert columns == [f"probability_{name}" for name in classes]
        online = [list(each["probabilities"].values()) for each in predictions]
    else:
        online = [[each[columns[0]]] for each in predictions]
    served = found.select(columns).to_numpy()
    assert served.tolist() == online
    assert np.array_equal(served, onnx_scores(artifact, frame))
    native = native_model(library, artifact.native).scores(artifact.encoding.matrix(frame))
    assert parity(artifact.encoding.task, served, native).mismatches == 0
    assert found["row"].to_list() == list(range(1, 301))
    [record] = job.done()
    assert record["missing"] == {
        name: frame[name].null_count() for name in ("size", "weight", "colour")
    }
    assert record["unknown"] == {"colour": (frame["colour"] == "violet").sum()}


def test_a_model_with_features_py_scores_the_columns_of_the_data(batch: Any) -> None:
    inputs = {"size": "numeric", "weight": "numeric", "colour": "categorical"}
    source = (
        "import polars as pl\n"
        "def features(frame):\n"
        "    return frame.select('colour', both=pl.col('size') * pl.col('weight'))\n"
    )
    code = Features(source.encode(), inputs, {"both": "numeric", "colour": "categorical"})
    declared, computed = (
        tuple(Feature(name, kind) for name, kind in kinds.items()) for kinds in (inputs, code.kinds)
    )
    run = replace(plan("regression"), inputs=declared, features=computed)
    training, validation = (code.add(rows("regression", 200, seed)) for seed in (1, 2))
    artifact = train(run, training, validation, code).artifact
    frame = asked("regression").drop("target").with_columns(pl.col(pl.Float32).cast(pl.Float64))
    content = document("regression")["definition"]["content"]
    content["features"], content["inputs"] = (
        [{"name": each.name, "kind": each.kind} for each in part] for part in (computed, declared)
    )
    job = batch({"a.parquet": frame}, artifact, definition={"content": content})

    job.run()

    scores = onnx_scores(artifact, frame)[:, 0].tolist()
    assert job.frame("scores")["prediction"].to_list() == scores
    [record] = job.done()
    assert record["missing"]["both"] == code.add(frame)["both"].null_count()
    assert record["unknown"] == {"colour": (frame["colour"] == "violet").sum()}
