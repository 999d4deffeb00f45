"""Two baselines compared: what the review page says of drift since the champion."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.baseline_merge import merge_baselines
from drift.baselines import drift
from preprocess.baseline import Categories, Numbers


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


def compared(before, now, rows=None):
    """The entry of a feature; `rows` are those of both baselines."""
    rows_before, rows_now = rows or (100, 100)
    [entry] = drift(
        {"rows": rows_before, "features": {"x": before}},
        {"rows": rows_now, "features": {"x": now}},
    )
    return entry


def of(describe, before, now):
    return compared(describe(before), describe(now), (len(before), len(now)))


@given(values=st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_a_numeric_feature_has_not_drifted_from_itself(values):
    entry = of(numeric, values, values)

    assert entry["psi"] == pytest.approx(0, abs=1e-9) or (entry["psi"], values) == (None, values)
    assert not entry["alarm"]
    assert not entry["missing_alarm"]


@given(values=st.lists(st.none() | st.sampled_from("abc"), min_size=1, max_size=30))
def test_a_categorical_feature_has_not_drifted_from_itself(values):
    entry = of(categorical, values, values)

    assert (entry["psi"] or 0.0, entry["alarm"], entry["missing_alarm"]) == (0.0, False, False)


def test_a_shifted_feature_drifts_as_far_as_its_distribution():
    random = np.random.default_rng(0)
    base, same, other = random.normal(size=(3, 20_000))
    alike, shifted = of(numeric, base, same), of(numeric, base, other + 1)

    assert alike["psi"] < 0.01
    assert not alike["alarm"]
    # For normal distributions one deviation apart the divergence is 1; binning loses a little.
    assert shifted["psi"] == pytest.approx(0.9, abs=0.15)
    assert shifted["distance"] == pytest.approx(1, abs=0.15)  # outer bins are wide
    assert shifted["alarm"]


def counts(seed, most):
    """A skewed feature of whole numbers from 0 to `most`."""
    values = np.minimum(np.random.default_rng(seed).poisson(1, 20_000), most).astype(float)
    values[: most + 1] = range(most + 1)
    return values


def amounts(seed):
    """A feature that is 0 in six of ten rows, as amounts are."""
    random = np.random.default_rng(seed)
    return np.where(random.random(20_000) < 0.6, 0.0, random.gamma(2, 10, 20_000))


@pytest.mark.parametrize(
    ("before", "now"),
    [
        # Ten values have a bin each, eleven have deciles.
        pytest.param(counts(0, 9), counts(1, 10), id="from ten values to eleven"),
        pytest.param(counts(0, 10), counts(1, 9), id="from eleven values to ten"),
        *(pytest.param(amounts(2 * n), amounts(2 * n + 1), id=f"mostly 0, {n}") for n in range(5)),
    ],
)
def test_values_that_many_rows_have_are_no_drift_where_bins_cut_elsewhere(before, now):
    entry = of(numeric, before, now)

    assert entry["psi"] < 0.02
    assert not entry["alarm"]


@pytest.mark.parametrize("values", [counts(0, 9), counts(0, 10), amounts(0)])
def test_what_several_hosts_prepared_has_not_drifted_from_what_one_did(values):
    hosts = [
        {"format": 1, "rows": len(part), "features": {"x": numeric(part)}, "target": numeric(part)}
        for part in np.array_split(values, 3)
    ]
    merged, rows = merge_baselines(hosts)["features"]["x"], (len(values), len(values))

    assert compared(numeric(values), merged, rows)["psi"] < 0.01
    assert compared(merged, numeric(values), rows)["psi"] < 0.01


def test_a_drift_of_common_values_is_seen():
    more_zeros = np.where(np.random.default_rng(9).random(20_000) < 0.5, 0.0, amounts(1))

    assert of(numeric, amounts(0), more_zeros)["psi"] > 0.1
    assert of(numeric, counts(0, 10), counts(1, 10) + 1)["alarm"]


def test_the_same_psi_is_an_alarm_only_where_chance_does_not_explain_it():
    few = of(categorical, ["a"] * 10 + ["b"] * 10, ["a"] * 5 + ["b"] * 15)
    many = of(categorical, ["a"] * 1000 + ["b"] * 1000, ["a"] * 500 + ["b"] * 1500)

    assert few["psi"] == pytest.approx(many["psi"], rel=0.15)
    assert (few["alarm"], many["alarm"]) == (False, True)
    assert few["bar"] >= few["psi"]
    assert many["bar"] == 0.1


def test_a_new_category_is_drift_and_new_missing_values_are_an_alarm_of_their_own():
    new = of(categorical, ["a", "b"] * 50, ["a", "b", "c"] * 33)
    gone = of(categorical, ["a"] * 900, ["a"] * 600 + [None] * 300)

    assert new["psi"] > 0.25
    assert new["alarm"]
    assert (gone["psi"], gone["alarm"], gone["missing_alarm"]) == (0.0, False, True)


def test_the_strongest_drift_comes_first_and_what_cannot_be_compared_last():
    before = {"same": categorical(["a"]), "moved": categorical(["a"]), "turned": numeric([1.0])}
    now = {
        "turned": categorical(["1"]),
        "same": categorical(["a"]),
        "new": numeric([1.0, None]),
        "moved": categorical(["b"]),
    }

    entries = drift({"rows": 9, "features": before}, {"rows": 9, "features": now})

    assert [entry["feature"] for entry in entries[:2]] == ["moved", "same"]
    assert {entry["feature"]: entry["psi"] for entry in entries[2:]} == {
        "new": None,
        "turned": None,
    }
    assert next(entry for entry in entries if entry["feature"] == "new") == {
        "feature": "new",
        "kind": "numeric",
        "psi": None,
        "bar": None,
        "chance": None,
        "alarm": False,
        "distance": None,
        "missing_before": None,
        "missing_now": 0.5,
        "missing_alarm": False,
    }


def test_a_feature_that_was_missing_in_every_row_cannot_be_compared():
    assert of(numeric, [None, None], [1.0, 2.0])["psi"] is None
    assert of(numeric, [1.0, 2.0], [None, None])["psi"] is None


def test_a_constant_that_changes_is_drift_and_one_that_stays_is_none():
    assert of(numeric, [5.0] * 500, [7.0] * 500)["alarm"]
    assert not of(numeric, [5.0] * 500, [5.0] * 500)["alarm"]
    assert not of(numeric, [5.0] * 500, [5.0] * 499 + [6.0])["alarm"]
    assert of(numeric, [5.0, 6.0] * 250, [6.0] * 500)["alarm"]


def test_a_baseline_of_an_earlier_version_is_read_without_the_size_of_its_sample():
    before, now = numeric([1.0, 2.0] * 300), numeric([1.0, 2.0] * 300)
    del before["numeric"]["sampled"]

    assert compared(before, now, (600, 600))["psi"] == 0


def test_a_baseline_that_does_not_say_how_many_rows_it_is_of_is_not_compared():
    part = categorical(["a"])

    [entry] = drift({"features": {"x": part}}, {"rows": 1, "features": {"x": part}})

    assert (entry["psi"], entry["alarm"]) == (None, False)
