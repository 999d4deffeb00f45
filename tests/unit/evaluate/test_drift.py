"""Drift: the population stability index between two baselines."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluate.drift import drift, psi
from preprocess.baseline import Categories, Numbers

SHARES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8).filter(lambda s: sum(s) > 0.01)


def numeric(values):
    """A feature's entry as Preprocess writes it."""
    series = pl.Series("x", values, dtype=pl.Float64)
    numbers = Numbers()
    frame = series.to_frame()
    numbers.add("x", len(series), frame.select(Numbers.summary("x")).row(0, named=True))
    return numbers.describe(series)


def categorical(values):
    series = pl.Series("x", values, dtype=pl.String)
    categories = Categories()
    categories.add(series)
    return categories.describe(series)


def found(before, now):
    [entry] = drift({"features": {"x": before}}, {"features": {"x": now}})
    return entry["psi"]


@given(before=SHARES, data=st.data())
def test_psi_is_never_negative_and_nothing_for_equal_shares(before, data):
    same_length = st.lists(st.floats(0.0, 1.0), min_size=len(before), max_size=len(before))
    now = np.array(data.draw(same_length))
    shares = np.array(before)

    assert psi(shares, now) >= 0
    assert psi(shares, now) == pytest.approx(psi(now, shares))
    assert psi(shares, shares) == 0


def test_psi_is_the_formula():
    before, now = np.array([0.5, 0.5]), np.array([0.25, 0.75])

    expected = -0.25 * math.log(0.5) + 0.25 * math.log(1.5)
    assert psi(before, now) == pytest.approx(expected)


@given(values=st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_a_numeric_feature_has_not_drifted_from_itself(values):
    assert found(numeric(values), numeric(values)) == pytest.approx(0, abs=1e-9)


@given(values=st.lists(st.none() | st.sampled_from("abc"), min_size=1, max_size=30))
def test_a_categorical_feature_has_not_drifted_from_itself(values):
    assert found(categorical(values), categorical(values)) == 0


def test_a_shifted_feature_drifts_as_far_as_its_distribution():
    random = np.random.default_rng(0)
    base, shifted = random.normal(size=(2, 20_000))

    assert found(numeric(base), numeric(random.normal(size=20_000))) < 0.01
    # For normal distributions one deviation apart the divergence is 1; binning loses a little.
    assert found(numeric(base), numeric(shifted + 1)) == pytest.approx(0.9, abs=0.15)


def test_a_new_category_and_new_missing_values_are_drift():
    assert found(categorical(["a", "b"] * 50), categorical(["a", "b", "c"] * 33)) > 0.25
    assert found(categorical(["a"] * 90), categorical(["a"] * 60 + [None] * 30)) > 0.25
    assert found(numeric([1.0, 2.0] * 50), numeric([1.0, 2.0] * 30 + [None] * 40)) > 0.25


def test_the_strongest_drift_comes_first_and_what_cannot_be_compared_last():
    before = {"same": categorical(["a"]), "moved": categorical(["a"]), "turned": numeric([1.0])}
    now = {
        "turned": categorical(["1"]),
        "same": categorical(["a"]),
        "new": numeric([1.0, None]),
        "moved": categorical(["b"]),
    }

    entries = drift({"features": before}, {"features": now})

    assert [entry["feature"] for entry in entries[:2]] == ["moved", "same"]
    assert {entry["feature"]: entry["psi"] for entry in entries[2:]} == {
        "new": None,
        "turned": None,
    }
    assert next(entry for entry in entries if entry["feature"] == "new") == {
        "feature": "new",
        "kind": "numeric",
        "psi": None,
        "missing_before": None,
        "missing_now": 0.5,
    }


def test_a_feature_that_was_missing_in_every_row_can_be_compared():
    assert found(numeric([None, None]), numeric([1.0, 2.0])) > 0.25
