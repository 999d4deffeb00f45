"""Training: the artifact is reproducible and needs no pickle; bad input is reported in one line."""

import gzip
import io
import json
import tarfile

import numpy as np
import polars as pl
import pytest

from contract import native_model as native_module
from contract.artifact import Artifact, sha256
from contract.native_model import native_model
from contract.onnx_scoring import onnx_scores
from contract.step import StepError
from tests.support.training_cases import HOSTILE, LIBRARIES, TASKS, plan, rows
from train.model import train


def trained(task="regression", library="lightgbm", count=300, missing=True, **settings):
    return train(
        plan(task, library, **settings),
        rows(task, count, missing=missing),
        rows(task, 100, seed=1, missing=missing),
    )


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("missing", [True, False])
def test_onnx_answers_as_the_library_does_even_to_what_training_never_saw(task, library, missing):
    artifact = trained(task, library, missing=missing).artifact
    asked = pl.concat(
        [
            rows(task, 200, seed=2),  # with missing values, even where training had none
            rows(task, 50, seed=3, categories=("mauve", "")),
        ]
    )

    served = onnx_scores(artifact, asked)
    own = native_model(library, artifact.native).scores(artifact.encoding.matrix(asked))

    assert served.shape == (250, 3 if task == "multiclass" else 1)
    np.testing.assert_allclose(served, own.reshape(250, -1), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("library", "objective"),
    [
        ("lightgbm", "poisson"),
        ("lightgbm", "gamma"),
        ("lightgbm", "tweedie"),
        ("lightgbm", "mae"),
        ("xgboost", "count:poisson"),
        ("xgboost", "reg:gamma"),
        ("xgboost", "reg:tweedie"),
        ("xgboost", "reg:absoluteerror"),
    ],
)
def test_onnx_knows_the_objectives_link(library, objective):
    artifact = trained(library=library, parameters={"objective": objective}).artifact
    asked = rows(count=100, seed=2)

    own = native_model(library, artifact.native).scores(artifact.encoding.matrix(asked))

    np.testing.assert_allclose(onnx_scores(artifact, asked)[:, 0], own, rtol=1e-5)


def test_neighbouring_float32_values_take_the_librarys_path():
    """Middles of neighbouring float32 values are thresholds that plain rounding gets wrong."""
    size = np.float32(16777216.0) + 2 * np.arange(400, dtype=np.float32)
    frame = pl.DataFrame({"size": size, "target": (np.arange(400) % 7).astype(np.float32)})
    learnt = train(
        plan(features={"size": "numeric"}, parameters={"min_data_in_leaf": 1, "max_bin": 500}),
        frame,
        frame,
    ).artifact

    own = native_model("lightgbm", learnt.native).scores(learnt.encoding.matrix(frame))

    np.testing.assert_allclose(onnx_scores(learnt, frame)[:, 0], own, rtol=1e-5)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("task", TASKS)
def test_the_same_rows_give_the_same_bytes(task, library):
    assert trained(task, library).artifact.pack() == trained(task, library).artifact.pack()


@pytest.mark.parametrize(
    ("library", "parameters"),
    [
        ("lightgbm", {"bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.7}),
        ("xgboost", {"subsample": 0.7, "colsample_bytree": 0.7}),
    ],
)
def test_the_number_of_threads_does_not_change_a_byte(library, parameters, monkeypatch):
    digests = set()
    for threads in (1, 2, 3):
        for module in ("train.learner", "contract.native_model"):
            monkeypatch.setattr(f"{module}.threads", lambda _matrix, n=threads: n)
        artifact = trained(library=library, count=6000, parameters=parameters).artifact
        digests.add(sha256(artifact.pack()))

    assert len(digests) == 1
    assert native_module.threads(np.zeros((2, 2), np.float32)) == 3  # the setting took effect


@pytest.mark.parametrize("library", LIBRARIES)
def test_another_seed_gives_another_model(library):
    parameters = {"lightgbm": {"bagging_fraction": 0.5, "bagging_freq": 1}}.get(
        library, {"subsample": 0.5}
    )
    one, other = (
        trained(library=library, parameters=parameters, seed=seed).artifact for seed in (1, 2)
    )

    assert one.native != other.native


@pytest.mark.parametrize(("library", "name"), [("lightgbm", "model.txt"), ("xgboost", "model.ubj")])
def test_the_artifact_holds_four_files_and_no_trace_of_when_or_by_whom(library, name):
    packed = trained("binary", library).artifact.pack()

    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        entries = archive.getmembers()
        description = json.loads(archive.extractfile("model.json").read())

    assert [entry.name for entry in entries] == sorted(
        ["encoding.json", "model.json", "model.onnx", name]
    )
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname) for entry in entries} == {
        (0, 0, 0, "")
    }
    assert packed[4:8] == b"\0\0\0\0"  # the gzip header's time
    assert not packed[3] & 8  # and no file name
    assert description["classes"] == ["no", "yes"]
    assert 0 < description["threshold"] < 1
    assert b"pickle" not in gzip.decompress(packed)


def test_an_artifact_survives_packing():
    artifact = trained("multiclass").artifact

    again = Artifact.unpack(artifact.pack(), "there")

    assert (again.native, again.onnx, again.description) == (
        artifact.native,
        artifact.onnx,
        artifact.description,
    )
    assert again.encoding.to_json() == artifact.encoding.to_json()


@pytest.mark.parametrize(
    "packed", [b"", b"no gzip", gzip.compress(b"no tar", mtime=0), b"\x1f\x8b\x08"]
)
def test_what_is_no_artifact_is_refused_in_words(packed):
    with pytest.raises(StepError, match=r"here: not a readable model \(.+\); train it again"):
        Artifact.unpack(packed, "here")


@pytest.mark.parametrize("library", LIBRARIES)
def test_training_stops_when_the_validation_rows_say_so(library):
    fitted = trained(library=library, rounds=500, patience=5).fitted

    assert len(fitted.history) == fitted.best + 5 < 500
    assert fitted.history[fitted.best - 1] == min(fitted.history)


LOSSES = {
    ("lightgbm", "regression"): "rmse",
    ("lightgbm", "binary"): "binary_logloss",
    ("lightgbm", "multiclass"): "multi_logloss",
    ("xgboost", "regression"): "rmse",
    ("xgboost", "binary"): "logloss",
    ("xgboost", "multiclass"): "mlogloss",
}


@pytest.mark.parametrize(("library", "task"), LOSSES)
def test_early_stopping_watches_the_loss_whatever_metric_is_reported(library, task):
    assert trained(task, library).fitted.metric == LOSSES[library, task]


@pytest.mark.parametrize(
    ("library", "objective", "metric"),
    [
        ("lightgbm", "regression", "l2"),
        ("lightgbm", "gamma", "gamma"),
        ("lightgbm", "quantile", "quantile"),
        ("xgboost", "reg:gamma", "gamma-deviance"),
        ("xgboost", "reg:absoluteerror", "mae"),
    ],
)
def test_an_objective_of_its_own_is_stopped_by_its_own_loss(library, objective, metric):
    assert trained(library=library, parameters={"objective": objective}).fitted.metric == metric


@pytest.mark.parametrize(
    ("library", "task", "asked", "metric", "better"),
    [
        ("lightgbm", "regression", "mae", "l1", min),
        ("lightgbm", "binary", "auc", "auc", max),
        ("lightgbm", "multiclass", "accuracy", "multi_error", min),
        ("xgboost", "regression", "mape", "mape", min),
        ("xgboost", "binary", "average_precision", "aucpr", max),
        ("xgboost", "multiclass", "accuracy", "merror", min),
    ],
)
def test_model_yaml_may_name_another_metric_for_early_stopping(
    library, task, asked, metric, better
):
    fitted = trained(task, library, trainer={"early_stopping_metric": asked}).fitted

    assert fitted.metric == metric
    assert fitted.history[fitted.best - 1] == better(fitted.history)


@pytest.mark.parametrize("library", LIBRARIES)
def test_many_classes_are_not_stopped_by_an_accuracy_that_rests(library):
    """Accuracy rests for rounds while the probabilities still improve."""
    random = np.random.default_rng(3)
    place = random.integers(12, size=3000)
    frame = pl.DataFrame(
        {
            "size": (place + random.normal(0, 0.1, 3000)).astype(np.float32),
            "target": [f"class {at:02}" for at in place],
        }
    )
    settings = plan("multiclass", library, features={"size": "numeric"}, parameters={}, rounds=200)

    found = train(settings, frame[:2000], frame[2000:])

    assert found.fitted.best > 20
    assert found.validation["log_loss"] < 0.12


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("task", TASKS)
def test_hostile_names_and_categories_train_and_score(task, library):
    names = (HOSTILE, HOSTILE + "2", "=cmd|' /C calc'!A0", HOSTILE + " target")
    categories = ("", " ", HOSTILE, '"quoted"', "naïve, 'x'")
    settings = plan(
        task,
        library,
        features={names[0]: "numeric", names[1]: "numeric", names[2]: "categorical"},
        target=names[3],
    )
    parts = [rows(task, 200, seed, names=names, categories=categories) for seed in (0, 1, 2)]

    artifact = Artifact.unpack(train(settings, parts[0], parts[1]).artifact.pack(), "there")

    assert artifact.encoding.names == names[:3]
    assert np.isfinite(onnx_scores(artifact, parts[2])).all()


@pytest.mark.parametrize("library", LIBRARIES)
def test_three_rows_are_enough_for_a_model_that_knows_the_mean(library):
    frame = pl.DataFrame({"size": [1.0, 2.0, 3.0], "target": [1.0, 2.0, 3.0]})

    artifact = train(
        plan(library=library, features={"size": "numeric"}, parameters={}), frame, frame
    ).artifact

    assert np.isfinite(onnx_scores(artifact, frame)).all()


@pytest.mark.parametrize(
    ("library", "parameters", "words"),
    [
        ("lightgbm", {"learning_rat": 0.1}, "learning_rat: lightgbm does not know this parameter"),
        ("xgboost", {"etaa": 0.1}, "etaa: xgboost does not know this parameter"),
        ("lightgbm", {"n_estimators": 9}, "n_estimators: lightgbm takes it from trainer.rounds"),
        ("xgboost", {"num_boost_round": 9}, "xgboost takes it from trainer.rounds"),
        ("lightgbm", {"linear_tree": True}, "a model that ONNX cannot express"),
        ("lightgbm", {"boosting": "rf"}, "boosting: 'rf' is not supported"),
        ("xgboost", {"booster": "dart"}, "booster: 'dart' is not supported"),
        (
            "lightgbm",
            {"objective": "binary"},
            "objective: 'binary' is not an objective for a regression",
        ),
        ("lightgbm", {"objective": "nonsense"}, "lightgbm cannot train"),
        (
            "xgboost",
            {"objective": "nonsense"},
            "objective: 'nonsense' is not an objective for a regression",
        ),
        ("lightgbm", {"learning_rate": -1}, "lightgbm cannot train"),
        ("lightgbm", {"num_leaves": "many"}, "lightgbm cannot train"),
        ("xgboost", {"max_depth": -3}, "xgboost cannot train"),
        ("xgboost", {"eval_metric": "auc"}, "takes it from trainer.early_stopping_metric"),
        ("lightgbm", {"metric": "auc"}, "takes it from trainer.early_stopping_metric"),
    ],
)
def test_a_bad_parameter_is_reported_in_one_line(library, parameters, words):
    with pytest.raises(StepError) as caught:
        trained(library=library, parameters=parameters)

    assert words in str(caught.value)
    assert "trainer.parameters" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_target_that_fits_no_gamma_model_is_reported_in_one_line():
    frame = rows().with_columns(target=pl.col("target") - 20)

    with pytest.raises(StepError, match=r"lightgbm cannot train.*gamma"):
        train(plan(parameters={"objective": "gamma"}), frame, frame)


def classes(*names: str) -> pl.DataFrame:
    return pl.DataFrame({"size": [float(at) for at in range(len(names))], "target": names})


@pytest.mark.parametrize(
    ("task", "training", "words"),
    [
        ("regression", pl.DataFrame({"size": [1.0, 2.0], "target": [3.0, 3.0]}), "is 3.0 in every"),
        ("binary", classes("yes", "yes"), "every training row has 'yes'"),
        ("binary", classes("yes", "yes", "no"), "class 'no' has one training row"),
        ("binary", classes(*"aabb"), "no training row has the positive value 'yes'"),
        ("binary", classes("yes", "yes", "no", "no", "no?", "no?"), "has 3 values"),
        ("multiclass", classes("a", "a", "b"), "class 'b' has one training row"),
        ("regression", pl.DataFrame({"size": [], "target": []}), "there are no training rows"),
    ],
)
def test_a_target_that_cannot_be_learnt_is_reported_in_one_line(task, training, words):
    settings = plan(task, features={"size": "numeric"})

    with pytest.raises(StepError, match=words):
        train(settings, training, training)


def test_a_class_that_only_validation_has_is_reported_in_one_line():
    settings = plan("multiclass", features={"size": "numeric"})

    with pytest.raises(StepError, match="class 'c' of 'target' is in 1 of the validation rows"):
        train(settings, classes(*"aabb"), classes(*"abc"))
