"""The bootstrap: intervals that cover, differences that are paired, cost that is bounded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import bootstrap
from contract.bootstrap import compare
from contract.metrics import Scored
from core.metrics import metrics_of
from tests.support.training_cases import TASKS

RMSE = ["rmse"]


def scored(labels, scores, task="regression"):
    return Scored(task, np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64))


def rows(count, noise, seed):
    random = np.random.default_rng(seed)
    labels = random.normal(size=count)
    return labels, labels + random.normal(0, noise, count)


@given(data=st.data(), count=st.integers(2, 25), task=st.sampled_from(TASKS))
@settings(max_examples=30)
def test_swapping_the_models_mirrors_the_difference(data, count, task):
    random = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    labels = random.integers(3 if task == "multiclass" else 2, size=count)
    shape = (count, 3) if task == "multiclass" else count
    one, other = (scored(labels, random.random(shape).round(2), task) for _ in range(2))
    names = list(metrics_of(task))

    forth = compare(one, other, names).difference
    back = compare(other, one, names).difference

    for name in names:
        if forth[name].low is None:
            assert (back[name].value is None) == (forth[name].value is None)
            continue
        assert back[name].value == pytest.approx(-forth[name].value)
        assert back[name].low == pytest.approx(-forth[name].high)
        assert back[name].high == pytest.approx(-forth[name].low)


def test_equal_models_differ_by_exactly_nothing():
    model = scored(*rows(200, 0.5, 1))

    difference = compare(model, model, RMSE).difference["rmse"]

    assert (difference.value, difference.low, difference.high) == (0.0, 0.0, 0.0)


def test_pairing_sees_a_difference_that_separate_intervals_do_not():
    labels, scores = rows(400, 1.0, 2)
    slightly_worse = labels + (scores - labels) * 1.03

    found = compare(scored(labels, slightly_worse), scored(labels, scores), RMSE)

    assert found.candidate["rmse"].low < found.champion["rmse"].high  # overlap
    assert found.difference["rmse"].low > 0


@pytest.mark.parametrize(("count", "times"), [(300, 40), (30_000, 20)])  # below, above the cap
def test_the_interval_covers_the_truth_about_as_often_as_it_claims(count, times):
    hits = 0
    for seed in range(times):
        labels, scores = rows(count, 1.0, seed)
        found = compare(scored(labels, scores), None, RMSE).candidate["rmse"]
        hits += found.low <= 1.0 <= found.high

    assert hits >= 0.85 * times


def test_the_interval_of_many_rows_is_as_narrow_as_theory_has_it():
    labels, scores = rows(200_000, 1.0, 3)

    found = compare(scored(labels, scores), None, RMSE).candidate["rmse"]

    theory = 1 / np.sqrt(2 * 200_000)  # the standard error of a standard deviation of 1
    assert found.deviation == pytest.approx(theory, rel=0.15)
    assert found.low < found.value < found.high


def test_of_a_million_rows_ten_thousand_are_drawn_from(monkeypatch):
    labels, scores = rows(1_000_000, 1.0, 4)
    model = scored(labels > 0, 1 / (1 + np.exp(-scores)), "binary")
    drawn_from, weights = [], bootstrap._weights
    monkeypatch.setattr(bootstrap, "RESAMPLES", 20)
    monkeypatch.setattr(
        bootstrap, "_weights", lambda count: (drawn_from.append(count), weights(count))[1]
    )

    compare(model, model, ["auc", "log_loss"])
    compare(model, None, ["log_loss"], most=500)

    assert drawn_from == [10_000, 500]


def test_draws_do_not_depend_on_how_many_are_held_at_once(monkeypatch):
    model = scored(*rows(50, 1.0, 5))
    together = compare(model, None, RMSE)
    monkeypatch.setattr(bootstrap, "COUNTS_AT_ONCE", 60)

    assert compare(model, None, RMSE).candidate["rmse"].low == pytest.approx(
        together.candidate["rmse"].low
    )


def test_a_metric_that_is_undefined_has_no_value_and_no_interval():
    model = scored([1, 1, 1], [0.2, 0.4, 0.9], "binary")

    found = compare(model, model, ["auc"])

    assert found.candidate["auc"] == found.difference["auc"] == bootstrap.Estimate(None)


def test_a_metric_defined_in_few_draws_has_a_value_but_no_interval(monkeypatch):
    monkeypatch.setattr(bootstrap, "SHARE_DEFINED", 0.9)
    # The only positive is missing from every third draw.
    model = scored([1, 0, 0, 0, 0, 0], [0.9, 0.1, 0.2, 0.3, 0.4, 0.5], "binary")

    found = compare(model, None, ["auc"]).candidate["auc"]

    assert (found.value, found.low, found.high) == (1.0, None, None)
