"""The form of a model that batches are scored with gives every row the released model's score."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import score.batch_model
import score.category_cells
from contract.onnx_model import OnnxModel
from score.batch_model import BatchModel
from score.category_cells import CELLS, in_cells
from tests.support.trained_releases import trained
from tests.support.training_cases import LIBRARIES, TASKS, plan
from train.ensemble import Ensemble, Tree
from train.model import train
from train.onnx_model import onnx_model

Matrix = NDArray[np.float32]


def any_rows(features: Sequence[Any], rows: int, seed: int) -> Matrix:
    """Rows that an encoding may make, and others: NaN, infinity, a number of no category."""
    random = np.random.default_rng(seed)
    numbers = random.normal(scale=20, size=(rows, len(features)))
    for position, feature in enumerate(features):
        if feature.kind == "categorical":
            numbers[:, position] = random.integers(-2, feature.numbers + 3, rows)
    strange = random.choice([np.nan, np.inf, -np.inf, -0.0, 1e9, -1e30], numbers.shape)
    return np.where(random.random(numbers.shape) < 0.05, strange, numbers).astype(np.float32)


def towns(task: str, rows: int = 2000) -> Any:
    """Rows whose target depends on a feature of 200 categories."""
    import polars as pl

    random = np.random.default_rng(5)
    town, size = random.integers(0, 200, rows), random.normal(size=rows)
    level = np.sin(town * 2.4) + size + random.normal(scale=0.1, size=rows)
    target: dict[str, Any] = {
        "regression": level,
        "binary": np.where(level > 0, "yes", "no"),
        "multiclass": np.array(["a", "b", "c"])[np.digitize(level, [-0.5, 0.5])],
    }
    return pl.DataFrame(
        {
            "size": size.astype(np.float32),
            "town": [f"t{each}" if each % 40 else None for each in town],
            "target": target[task],
        }
    )


@pytest.fixture(scope="module", params=LIBRARIES)
def library(request: Any) -> str:
    """The library that trained the model."""
    return str(request.param)


@pytest.mark.parametrize("task", TASKS)
def test_every_row_gets_the_same_digits_whatever_is_in_it(task: str, library: str) -> None:
    frame, features = towns(task), {"size": "numeric", "town": "categorical"}
    # With more than 80 trees the runtime would work in another order if it had more threads.
    rounds = 30 if task == "multiclass" else 90
    asked = plan(task, library, features=features, parameters={}, rounds=rounds, patience=90)
    artifact = train(asked, frame, frame[:500]).artifact
    released, batch = OnnxModel(artifact.onnx), BatchModel(artifact.onnx)

    rows = any_rows(artifact.encoding.features, 5000, 3)
    known = artifact.encoding.matrix(frame)

    assert in_cells(artifact.onnx).width > 1
    for matrix in (rows, known, rows[:1], rows[:0]):
        expected = released.scores(matrix)
        assert np.array_equal(batch.scores(matrix), expected)
        assert np.array_equal(batch.scores(matrix, 1), expected)


@pytest.mark.parametrize("task", TASKS)
def test_a_model_of_few_categories_gets_the_same_digits(task: str, library: str) -> None:
    artifact = trained(task, library)
    rows = any_rows(artifact.encoding.features, 5000, 4)

    found = BatchModel(artifact.onnx).scores(rows)

    assert np.array_equal(found, OnnxModel(artifact.onnx).scores(rows))


def test_how_many_rows_are_widened_together_changes_nothing(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = trained("regression", library)
    rows = any_rows(artifact.encoding.features, 1000, 4)
    expected = BatchModel(artifact.onnx).scores(rows)

    monkeypatch.setattr(score.batch_model, "WIDENED_CELLS", 1)
    monkeypatch.setattr(score.batch_model, "LEAST_ROWS", 7)

    assert np.array_equal(BatchModel(artifact.onnx).scores(rows), expected)


@pytest.mark.parametrize("most", [0, 400])
def test_splits_without_room_for_a_column_stay_as_they_are(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    frame, features = towns("regression"), {"size": "numeric", "town": "categorical"}
    artifact = train(plan(features=features, parameters={}), frame, frame[:500]).artifact
    rows = any_rows(artifact.encoding.features, 1000, 6)
    whole = in_cells(artifact.onnx).width

    monkeypatch.setattr(score.category_cells, "MOST_CELLS", most)

    assert in_cells(artifact.onnx).width == most // 200 < whole
    assert np.array_equal(
        BatchModel(artifact.onnx).scores(rows), OnnxModel(artifact.onnx).scores(rows)
    )


def split(members: Sequence[int], yes: float, no: float) -> Tree:
    """A tree of one split on a set."""
    return Tree(0, [0, -1, -1], [0.0] * 3, [1, 0, 0], [2, 0, 0], [False] * 3, [0.0, yes, no],
                {0: tuple(sorted(members))})  # fmt: skip


@given(sets=st.lists(st.sets(st.integers(0, 99), min_size=1, max_size=60), min_size=1, max_size=20))
@settings(max_examples=30)
def test_a_column_has_no_more_cells_than_the_runtime_tests_at_once(sets: list[set[int]]) -> None:
    trees = tuple(split(list(members), 2.0**-at, 0.0) for at, members in enumerate(sets))
    content = onnx_model(Ensemble("BRANCH_LEQ", 1, (0.0,), "identity", trees), [100])
    rows = np.arange(-3, 104, dtype=np.float32)[:, None]

    for columns in in_cells(content).columns:
        assert columns.cells.min() == 1
        assert columns.cells.max() <= CELLS
    assert np.array_equal(BatchModel(content).scores(rows), OnnxModel(content).scores(rows))


def test_a_model_without_sets_stays_as_it_is() -> None:
    tree = Tree(0, [0, -1, -1], [0.5] * 3, [1, 0, 0], [2, 0, 0], [False] * 3, [0.0, 1.0, 2.0])
    content = onnx_model(Ensemble("BRANCH_LEQ", 1, (0.0,), "identity", (tree,)), [0])

    assert in_cells(content).content is content


def test_the_same_model_is_always_rewritten_alike() -> None:
    artifact = trained("binary", "lightgbm")

    assert in_cells(artifact.onnx).content == in_cells(artifact.onnx).content
