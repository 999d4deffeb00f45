"""scores.parquet: what the candidate said of each test row."""

import numpy as np
import polars as pl
import pytest

from contract import row_scores as kept
from contract.row_scores import row_scores
from contract.split import ROW
from evaluate.evaluation import Models, evaluate
from tests.support.training_cases import TASKS, plan, rows
from tests.unit.evaluate.test_evaluation import EVIDENCE, model


def hashed(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with a hash each, in no order."""
    numbers = np.random.default_rng(3).permutation(frame.height).astype(np.uint64)
    return frame.with_columns(pl.Series(ROW, numbers << np.uint64(32)))


@pytest.mark.parametrize("task", TASKS)
def test_each_test_row_is_there_with_its_hash_its_label_and_its_score(task: str) -> None:
    test, candidate = hashed(rows(task, 120, seed=2)), model(task)

    found = evaluate(plan(task), test, Models(candidate), EVIDENCE).row_scores

    columns = ["score"]
    if task == "multiclass":
        columns = [f"score:{name}" for name in candidate.encoding.classes]
    assert found.columns == ["row", "label", *columns]
    assert found["row"].to_list() == test[ROW].to_list()
    assert found["label"].to_list() == test["target"].to_list()
    assert {found[name].dtype for name in columns} == {pl.Float32}


def test_it_has_neither_a_feature_nor_a_key() -> None:
    frame = hashed(rows(count=120, seed=2)).with_columns(pl.lit("C1").alias("customer"))

    found = evaluate(plan(), frame, Models(model("regression")), EVIDENCE).row_scores

    assert found.columns == ["row", "label", "score"]


def test_rows_of_an_earlier_preprocess_leave_no_scores() -> None:
    assert row_scores(rows(count=3), "target", np.zeros(3), None) is None


def test_of_many_rows_those_with_the_largest_hashes_are_kept_in_their_order(monkeypatch) -> None:
    monkeypatch.setattr(kept, "MOST_ROWS", 2)
    test = pl.DataFrame(
        {ROW: pl.Series([5, 2**64 - 1, 7, 1], dtype=pl.UInt64), "target": [1.0, 2.0, 3.0, 4.0]}
    )

    found = row_scores(test, "target", np.arange(4.0), None)

    assert found["row"].to_list() == [2**64 - 1, 7]
    assert found["label"].to_list() == [2.0, 3.0]


def test_rows_that_nothing_tells_apart_are_kept_together(monkeypatch) -> None:
    monkeypatch.setattr(kept, "MOST_ROWS", 1)
    test = pl.DataFrame({ROW: pl.Series([9, 9, 1], dtype=pl.UInt64), "target": [1.0, 2.0, 3.0]})

    assert row_scores(test, "target", np.zeros(3), None)["label"].to_list() == [1.0, 2.0]
