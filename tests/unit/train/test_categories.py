"""Categories are split into sets, as the libraries do it, and ONNX holds the sets exactly."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.libraries import lightgbm, xgboost
from contract.native_model import native_model
from contract.onnx_scoring import onnx_scores, parity
from tests.support.training_cases import LIBRARIES, TASKS, plan
from train.ensemble import Ensemble, Tree
from train.model import train
from train.onnx_model import onnx_model

FEATURES = {"size": "numeric", "town": "categorical", "colour": "categorical"}
COLOURS = ("blue", "green", "red")


def towns(task: str, count: int, seed: int, levels: int = 100) -> pl.DataFrame:
    """Rows whose target depends on a town whose effect has nothing to do with its name."""
    effect = np.random.default_rng(5).normal(size=levels)
    random = np.random.default_rng(seed)
    town, colour = random.integers(levels, size=count), random.integers(3, size=count)
    size = random.normal(size=count).astype(np.float32)
    level = 2 * effect[town] + size * (colour == 1) + random.normal(0, 0.5, count)
    target = {
        "regression": level.astype(np.float32),
        "binary": np.where(level > 0, "yes", "no"),
        "multiclass": np.select([level < -1, level > 1], ["low", "high"], "mid"),
    }[task]
    names = [f"town {number}" for number in town]
    return pl.DataFrame(
        {"size": size, "town": names, "colour": [COLOURS[at] for at in colour], "target": target}
    )


def plain(library: str, task: str, parts: list[pl.DataFrame], rounds: int, patience: int):
    """The library by itself: the test rows' scores, with the categories declared to it."""
    columns = [part.select("size", *(sorted_codes(part, name) for name in ("town", "colour")))
               for part in parts]  # fmt: skip
    matrices = [part.to_numpy().astype(np.float32) for part in columns]
    if task == "regression":
        labels = [part["target"].to_numpy() for part in parts]
    else:
        classes = sorted(parts[0]["target"].unique())
        labels = [np.array([classes.index(one) for one in part["target"]]) for part in parts]
    if library == "lightgbm":
        module = lightgbm()
        sets = [module.Dataset(matrices[at], labels[at], categorical_feature=[1, 2])
                for at in (0, 1)]  # fmt: skip
        named = {"objective": task, "verbosity": -1, "num_threads": 1, "seed": 7}
        named |= {"num_class": 3} if task == "multiclass" else {}
        stop = [module.early_stopping(patience, verbose=False)]
        booster = module.train(named, sets[0], rounds, valid_sets=[sets[1]], callbacks=stop)
        return booster.predict(matrices[2], num_iteration=booster.best_iteration)
    module = xgboost()
    objective = {"regression": "reg:squarederror", "binary": "binary:logistic",
                 "multiclass": "multi:softprob"}[task]  # fmt: skip
    kinds = {"feature_types": ["q", "c", "c"], "enable_categorical": True}
    sets = [module.DMatrix(matrices[at], labels[at] if at < 2 else None, **kinds)
            for at in range(3)]  # fmt: skip
    named = {"objective": objective, "nthread": 1, "seed": 7}
    named |= {"num_class": 3} if task == "multiclass" else {}
    booster = module.train(named, sets[0], rounds, evals=[(sets[1], "validation")],
                           early_stopping_rounds=patience, verbose_eval=False)  # fmt: skip
    return booster.predict(sets[2], iteration_range=(0, booster.best_iteration + 1))


def sorted_codes(frame: pl.DataFrame, name: str) -> pl.Expr:
    known = COLOURS if name == "colour" else sorted(f"town {number}" for number in range(100))
    codes = {value: float(code) for code, value in enumerate(known)}
    return pl.col(name).replace_strict(codes, return_dtype=pl.Float32)


def loss(task: str, truth: pl.Series, scores: np.ndarray) -> float:
    """Squared error's root, or log loss."""
    if task == "regression":
        return float(np.sqrt(np.mean((scores.ravel() - truth.to_numpy()) ** 2)))
    if task == "binary":
        right = np.where(truth == "yes", scores.ravel(), 1 - scores.ravel())
    else:
        right = scores[np.arange(len(truth)), [sorted(truth.unique()).index(one) for one in truth]]
    return float(-np.log(np.maximum(right, 1e-15)).mean())


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("task", TASKS)
def test_a_hundred_categories_are_learnt_as_well_as_by_the_library_itself(task, library):
    parts = [towns(task, count, seed) for count, seed in ((8000, 0), (2000, 1), (2000, 2))]
    ours = train(
        plan(task, library, features=FEATURES, parameters={}, rounds=300, patience=30),
        parts[0],
        parts[1],
    ).artifact
    theirs = plain(library, task, parts, 300, 30)
    truth = parts[2]["target"]

    reached = loss(task, truth, onnx_scores(ours, parts[2]).astype(np.float64))

    assert reached <= 1.02 * loss(task, truth, theirs)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("task", TASKS)
@given(data=st.data())
@settings(max_examples=8)
def test_onnx_takes_the_librarys_path_through_sets(task, library, data):
    levels = data.draw(st.sampled_from([3, 5, 33, 40, 70]))
    frame = towns(task, 400, levels, levels)
    gone = pl.Series(
        np.random.default_rng(levels).random(400) < data.draw(st.just(0.0) | st.just(0.1))
    )
    frame = frame.with_columns(town=pl.when(~gone).then(pl.col("town")))
    parameters = {
        "lightgbm": {"min_data_in_leaf": 1, "cat_smooth": 0, "min_data_per_group": 1,
                     "max_cat_threshold": 40},
        "xgboost": {"max_depth": 7, "min_child_weight": 0,
                    "max_cat_to_onehot": data.draw(st.sampled_from([1, 4, 100]))},
    }[library]  # fmt: skip
    rows = data.draw(st.sampled_from([1, 3, 8]))
    learned = plan(
        task, library, features=FEATURES, parameters=parameters, rounds=8,
        trainer={"min_category_rows": rows},
    )  # fmt: skip
    unseen = frame.with_columns(town=pl.lit("no such town"), colour=pl.lit(None, pl.String))
    asked = pl.concat([frame, unseen])

    artifact = train(learned, frame, frame).artifact
    own = native_model(library, artifact.native).scores(artifact.encoding.matrix(asked))

    found = parity(task, onnx_scores(artifact, asked).astype(np.float64), own)
    assert found.largest_difference < 1e-5


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_library_is_told_which_features_are_categories(library):
    frame = towns("regression", 2000, 0)
    artifact = train(
        plan("regression", library, features=FEATURES, parameters={}), frame, frame
    ).artifact

    assert b"membership_values" in artifact.onnx
    native = {"lightgbm": b"cat_threshold=", "xgboost": b"categories"}[library]
    assert native in artifact.native


@given(
    members=st.sets(st.integers(0, 79), min_size=1, max_size=79),
    numbers=st.integers(80, 90),
)
@settings(max_examples=40)
def test_a_set_is_held_exactly_whichever_side_of_it_is_written(members, numbers):
    import onnxruntime

    tree = Tree(0, [0, -1, -1], [0.0] * 3, [1, 0, 0], [2, 0, 0], [False] * 3, [0.0, 1.0, 2.0],
                {0: tuple(sorted(members))})  # fmt: skip
    ensemble = Ensemble("BRANCH_LEQ", 1, (0.0,), "identity", (tree,))
    session = onnxruntime.InferenceSession(onnx_model(ensemble, [numbers]))
    asked = np.arange(numbers, dtype=np.float32)[:, None]

    [scores] = session.run(["scores"], {"features": asked})

    assert scores.ravel().tolist() == [1.0 if at in members else 2.0 for at in range(numbers)]
