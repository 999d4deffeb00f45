"""What a monitoring compares: named states, counting, and how often unchanged data alarm."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from drift.checks import alarms
from drift.comparison import compare_features, compare_invalid, compare_predictions, family_of
from drift.counting import at_most_in_32_bits, count
from drift.counts import FeatureCounts, references
from preprocess.baseline import Numbers

SETTINGS = {
    **{"minimum_rows": 100, "drift": 0.1, "prediction_drift": 0.1},
    **{"missing": 0.05, "unknown": 0.05, "invalid": 0.01},
}
BASELINE = {
    "rows": 1000,
    "features": {
        "size": {
            "kind": "numeric",
            "missing": 0.0,
            "numeric": {"edges": [0.0, 1.0, 2.0, 3.0], "shares": [0.3, 0.4, 0.3], "mean": 1.5},
        },
        "colour": {"kind": "categorical", "missing": 0.1, "categories": {"red": 0.5, "blue": 0.5}},
    },
}
ALIKE = FeatureCounts(500, 0, np.array([150, 200, 150]), {}, 0.0, 3.0, 1.5)
COLOURS = FeatureCounts(500, 50, None, {"red": 225, "blue": 225})


def checked(**counts):
    checks = compare_features(BASELINE, counts, SETTINGS, family_of(BASELINE))
    return {(each.check, each.feature): each for each in alarms(checks)}


def test_unchanged_rows_alarm_nothing():
    found = checked(size=ALIKE, colour=COLOURS)

    assert {each.state for each in found.values()} == {"compared"}
    assert not any(each.alarm for each in found.values())


def test_a_feature_that_is_constant_absent_or_not_captured_has_a_state_of_that_name():
    constant = FeatureCounts(500, 0, np.array([0, 500, 0]), {}, 1.5, 1.5, 1.5)
    absent = FeatureCounts(500, 500, np.zeros(3, dtype=np.int64))

    turned, gone, private = checked(size=constant), checked(size=absent), checked()

    assert (turned["drift", "size"].state, turned["drift", "size"].alarm) == ("constant", True)
    assert (gone["drift", "size"].state, gone["drift", "size"].alarm) == ("absent", False)
    assert gone["missing", "size"].alarm
    assert private["drift", "size"].state == "not captured"


def test_below_the_floor_nothing_is_compared():
    few = FeatureCounts(99, 0, np.array([99, 0, 0]), {}, 0.5, 0.5, 0.5)

    found = checked(size=few)

    assert {found[name, "size"].state for name in ("drift", "missing")} == {"too few rows"}
    assert found["drift", "size"].bar is None


def test_a_new_value_alarms_as_unknown_and_not_as_drift_too():
    found = checked(colour=FeatureCounts(500, 50, None, {"red": 150, "blue": 150, "green": 150}))

    assert found["unknown", "colour"].alarm
    assert not found["drift", "colour"].alarm


def test_rates_of_invalid_rows_and_predictions_without_a_baseline():
    family = family_of(BASELINE)

    worse = compare_invalid(0, 1000, 50, 500, SETTINGS, family)
    assert [each.alarm for each in alarms([worse])] == [True]
    assert compare_predictions(None, ALIKE, SETTINGS, family).state == "no baseline"


def test_rows_are_counted_into_the_bins_as_the_model_sees_them():
    frame = pl.DataFrame(
        {"size": [0.5, 1.0, 1.0000001, 2.5, None, float("nan")], "colour": ["red", None, *"abcd"]}
    )

    found = count(frame, references(BASELINE))

    assert found["size"].bins.tolist() == [2, 1, 1]
    assert (found["size"].rows, found["size"].missing) == (6, 2)
    assert found["colour"].categories == {"red": 1, "a": 1, "b": 1, "c": 1, "d": 1}
    assert found["colour"].missing == 1
    whole = count(frame[:3], references(BASELINE)), count(frame[3:], references(BASELINE))
    assert (whole[0]["size"] + whole[1]["size"]).bins.tolist() == [2, 1, 1]


def test_an_edge_between_two_32_bit_numbers_parts_them():
    edge = np.array([np.float64(np.float32(0.7)) - 1e-12])

    assert at_most_in_32_bits(edge)[0] < np.float32(0.7)


@pytest.fixture(scope="module")
def simulated():
    path = Path(__file__).parents[3] / "benchmarks" / "drift.py"
    spec = importlib.util.spec_from_file_location("drift_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["drift_benchmark"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["NORMAL", "CAUCHY", "LOGNORMAL", "ZEROS", "POISSON"])
def test_the_benchmark_makes_the_baselines_that_preprocess_writes(simulated, name):
    values = getattr(simulated, name).values(np.random.default_rng(3), 2_990)
    sample = pl.Series("size", values)
    numbers = Numbers()
    summary = sample.to_frame().select(Numbers.summary("size")).row(0, named=True)
    numbers.add("size", len(sample), summary)
    numeric = numbers.describe(sample)["numeric"]

    edges, shares, common = simulated.bins_of(values)

    assert (edges, shares) == (numeric["edges"], pytest.approx(numeric["shares"], rel=1e-12))
    assert common["values"] == numeric["common"]["values"]
    assert common["shares"] == pytest.approx(numeric["common"]["shares"], rel=1e-12)
    assert bool(common["values"]) is (name in ("ZEROS", "POISSON"))


@pytest.mark.parametrize("shape", ["even", "skewed"])
def test_monitorings_of_unchanged_data_do_not_alarm_even_without_a_floor(simulated, shape):
    found = simulated.false_alarms(seed=1, rows=100, shape=shape, runs=5)

    assert (found["no bar"], found["bar"]) == (0, 0)


def test_a_mean_half_a_deviation_off_is_seen_in_a_thousand_rows(simulated):
    assert simulated.power(seed=1, rows=1000, name="mean + 0.5 sd", runs=2) == {
        **{"planted": "mean + 0.5 sd", "rows": 1000, "runs": 2},
        **{"no bar": 2, "bar": 2},
    }


def test_no_alarm_in_1900_runs_bounds_the_rate_at_two_in_a_thousand(simulated):
    assert simulated.upper_bound(0, 1900) == pytest.approx(1 - 0.025 ** (1 / 1900), rel=1e-6)
