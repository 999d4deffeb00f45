"""golden.json: rows that anyone can send again, and the answers they must get."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.native_model import native_model
from contract.onnx_scoring import onnx_scores
from evaluate.golden import MOST_ROWS, dealt, golden, spread_over
from tests.support.training_cases import HOSTILE, LIBRARIES, TASKS, plan, rows
from train.model import train


def records(task, test, library="lightgbm", apart=(), **names):
    settings = plan(task, library, **names)
    training, validation = (
        rows(task, count, seed, **renamed(names)) for count, seed in ((300, 0), (100, 1))
    )
    candidate = train(settings, training, validation).artifact
    native = native_model(candidate.library, candidate.native)
    scores = onnx_scores(candidate, test).astype(np.float64)
    served = scores if task == "multiclass" else scores[:, 0]
    return candidate, served, golden(task, candidate, native, test, served, apart)


def renamed(names):
    return {"names": (*names["features"], names["target"])} if names else {}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("task", TASKS)
def test_rows_sent_again_get_the_scores_recorded(task, library):
    candidate, _, written = records(task, rows(task, 250, seed=2), library)

    document = json.loads(json.dumps(written, allow_nan=False))
    sent = pl.DataFrame(document["rows"], schema_overrides={"colour": pl.String})
    again = onnx_scores(candidate, sent)
    assert document["scores"] == again.astype(np.float64).tolist()
    assert len(document["rows"]) == MOST_ROWS
    assert document["tolerance"] == 1e-4
    np.testing.assert_allclose(document["native"], document["scores"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("task", TASKS)
def test_the_spread_is_that_of_all_test_rows(task):
    _, served, written = records(task, rows(task, 250, seed=2))

    of = served.max(axis=1) if task == "multiclass" else served
    assert written["spread"] == pytest.approx(of.std(), rel=1e-8)
    assert written["mean"] == pytest.approx(of.mean(), rel=1e-8)


def test_a_value_that_is_no_number_is_sent_as_missing():
    test = rows(count=3, missing=False).with_columns(size=pl.Series([1.0, float("nan"), None]))

    _, _, written = records("regression", test)

    assert [row["size"] for row in written["rows"]] == [1.0, None, None]


@pytest.mark.parametrize("task", TASKS)
def test_private_values_change_rows_and_the_scores_are_those_of_the_rows_as_written(task):
    test = rows(task, 60, seed=2)

    candidate, _, written = records(task, test, apart={"size", "colour", "shell"})

    picked = test[spread_over(60)]
    found = pl.DataFrame(written["rows"], schema_overrides={"colour": pl.String})
    for name in ("size", "colour"):
        assert found[name].sort().to_list() == picked[name].sort().to_list()
        assert found[name].to_list() != picked[name].to_list()
    assert found["weight"].to_list() == picked["weight"].to_list()
    assert written["scores"] == onnx_scores(candidate, found).astype(np.float64).tolist()
    np.testing.assert_allclose(written["native"], written["scores"], rtol=1e-4, atol=1e-4)


@given(st.permutations(range(8)), st.integers(0, 5))
def test_the_new_order_does_not_say_what_the_old_one_was(values, seed):
    assert dealt(pl.Series(values), seed).equals(dealt(pl.Series(range(8)), seed))


def test_columns_keep_their_names_whatever_these_are():
    features = {HOSTILE: "numeric", "weight": "numeric", "a.b": "categorical"}
    names = {"features": features, "target": "target"}

    _, _, written = records("regression", rows(count=2, **renamed(names)), **names)

    assert [list(row) for row in written["rows"]] == [list(features)] * 2


@given(st.integers(min_value=1, max_value=100_000))
def test_rows_are_picked_from_the_first_to_the_last_in_their_order(count):
    picked = spread_over(count)

    assert picked == sorted(set(picked))
    assert (picked[0], picked[-1], len(picked)) == (0, count - 1, min(count, MOST_ROWS))
