"""The statistics of drift against scipy, and what holds for any counts."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.metrics import HIGHER_IS_BETTER, Scored
from core.metrics import DIRECTION
from drift.checks import Check, alarms, holm
from drift.counts import FeatureCounts, Reference
from drift.distance import wasserstein
from drift.hypergeometric import lower_tail, upper_tail
from drift.permutation import at_most, chi2_quantile, two_sample
from drift.psi import psi
from drift.quality import worse_by_chance
from drift.rates import newcombe, rise, smallest_rise
from drift.sequential import sequential_p


@cache
def oracle() -> Any:
    """scipy's statistics, which load for a second: not when pytest only reads this file."""
    from scipy import stats

    return stats


COUNTS = st.lists(st.integers(0, 200), min_size=2, max_size=8)


@given(data=st.data())
def test_tails_are_those_of_scipy_also_where_they_are_tiny(data):
    total = data.draw(st.integers(1, 5000))
    marked, drawn = data.draw(st.integers(0, total)), data.draw(st.integers(0, total))
    count = data.draw(st.integers(0, drawn))

    upper = oracle().hypergeom.sf(count - 1, total, marked, drawn)
    assert upper_tail(count, total, marked, drawn) == pytest.approx(upper, rel=1e-6, abs=1e-250)
    assert lower_tail(count, total, marked, drawn) == pytest.approx(
        oracle().hypergeom.cdf(count, total, marked, drawn), rel=1e-6, abs=1e-250
    )


@given(st.integers(0, 50), st.integers(1, 400), st.integers(0, 50), st.integers(1, 400))
def test_a_rise_is_tested_by_fishers_exact_test(before, more, now, others):
    table = [[now, others], [before, more]]
    found = rise(before, before + more, now, now + others, 0.001)

    expected = oracle().fisher_exact(table, alternative="greater").pvalue
    assert found.p == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert found.low <= found.difference <= found.high


def test_the_smallest_rise_is_the_first_that_the_level_allows():
    needed = smallest_rise(30, 3000, 500, 1e-4)

    assert rise(30, 3000, needed, 500, 1).p <= 1e-4 < rise(30, 3000, needed - 1, 500, 1).p


def test_the_interval_of_a_difference_is_newcombes():
    # R. G. Newcombe (1998), table II, example (a): 56/70 and 48/80, method 10.
    assert newcombe(48, 80, 56, 70) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize("freedom", [1, 3, 9, 40])
def test_the_quantile_of_chi_square_is_near_scipys(freedom):
    assert chi2_quantile(freedom, 1e-5) == pytest.approx(oracle().chi2.isf(1e-5, freedom), rel=0.06)


@given(before=COUNTS, data=st.data())
def test_psi_is_never_negative_symmetric_and_nothing_for_equal_counts(before, data):
    now = np.array(
        data.draw(st.lists(st.integers(0, 200), min_size=len(before), max_size=len(before)))
    )
    was = np.array(before)

    assert psi(was, now) >= 0
    assert psi(was, now) == pytest.approx(psi(now, was))
    assert psi(was, was) == 0


@given(before=COUNTS, data=st.data())
def test_the_test_gives_the_same_in_any_call_and_neither_draws_nor_bound_contradict(before, data):
    now = np.array(
        data.draw(st.lists(st.integers(0, 200), min_size=len(before), max_size=len(before)))
    )
    was = np.array(before)

    found = two_sample(was, now, "x", 0.01)

    assert found == two_sample(was, now, "x", 0.01)
    assert 0 < found.p <= 1
    assert (found.p <= 0.01) <= (found.chance <= found.psi)


def test_two_bins_are_tested_as_exactly_as_fisher_does():
    was, now = np.array([40, 60]), np.array([62, 38])
    exact = oracle().fisher_exact([was, now]).pvalue

    assert two_sample(was, now, "x", 1e-4).p == pytest.approx(exact, rel=0.3)
    assert at_most(was, now, float(psi(was, now))) >= exact


def test_a_simulated_p_is_never_nought_and_stops_early_where_nothing_is_seen():
    asked = []

    def draw(size):
        asked.append(size)
        return np.zeros(size)

    assert sequential_p(1.0, np.zeros(128), draw, 1999) == 1 / 2000
    asked.clear()
    assert sequential_p(0.0, np.zeros(128), draw, 1999) == 1.0
    assert asked == []


@given(st.lists(st.floats(0, 1), max_size=20), st.floats(0.0001, 0.2))
def test_holm_rejects_the_smallest_and_more_at_a_larger_level(p_values, alpha):
    few, more = holm(p_values, alpha), holm(p_values, 2 * alpha)

    assert all(not was or is_now for was, is_now in zip(few, more, strict=True))
    kept = [p for p, out in zip(p_values, few, strict=True) if not out]
    gone = [p for p, out in zip(p_values, few, strict=True) if out]
    assert max(gone, default=0) <= min(kept, default=1)


def test_an_alarm_needs_both_a_practical_effect_and_more_than_chance():
    def check(value, p):
        return Check("drift", "x", "compared", value=value, practical=0.1, chance=0.05, p=p)

    decided = alarms([check(0.2, 1e-6), check(0.05, 1e-6), check(0.2, 0.5)])

    assert [each.alarm for each in decided] == [True, False, False]
    assert decided[0].bar == 0.1


def test_the_distance_is_scipys_for_values_spread_evenly_within_bins():
    random = np.random.default_rng(1)
    before, now = random.uniform(0, 10, 50_000), random.uniform(0, 8, 50_000)
    edges = np.linspace(0, 10, 11)
    reference = Reference(
        "numeric", 50_000, 0, edges, np.histogram(before, edges)[0], {}, None, before.mean()
    )
    counts = FeatureCounts(50_000, 0, reference.place(now), {}, 0, 8, now.mean())

    expected = oracle().wasserstein_distance(before, now)
    assert wasserstein(reference, counts) == pytest.approx(expected, rel=0.02)


def test_quality_is_tested_as_a_permutation_test_of_scipy_is():
    random = np.random.default_rng(3)
    zeros = np.zeros(60)
    test = Scored("regression", zeros, random.exponential(1.0, 60))
    now = Scored("regression", zeros, random.exponential(1.6, 60))

    expected = (
        oracle()
        .permutation_test(
            (now.scores, test.scores),
            lambda x, y: x.mean() - y.mean(),
            alternative="greater",
            n_resamples=4000,
            rng=np.random.default_rng(1),
        )
        .pvalue
    )
    p, _ = worse_by_chance("mae", test, now, 1e-4)
    assert p == pytest.approx(expected, rel=0.6, abs=0.01)


def test_which_metrics_are_better_higher_is_the_table_of_the_gate():
    assert {name for name, better in DIRECTION.items() if better == "higher"} == HIGHER_IS_BETTER
