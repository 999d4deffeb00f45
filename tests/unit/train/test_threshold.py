"""The threshold of a binary model: the best F1 on the validation rows."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from contract.plan import Costs
from train.threshold import best_threshold, cheapest_threshold

PAIRS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.500001, 0.9, 1.0])), min_size=1
)


def f1(labels, called):
    both = (labels * called).sum()
    return 2 * both / max(labels.sum() + called.sum(), 1)


@given(pairs=PAIRS)
def test_no_other_threshold_has_a_higher_f1(pairs):
    labels, scores = np.array(pairs, dtype=np.float64).T

    best = best_threshold(labels, scores)

    reached = f1(labels, scores >= best)
    if labels.any():
        assert all(reached >= f1(labels, scores >= other) - 1e-12 for other in scores)


def test_it_lies_between_two_scores():
    assert best_threshold(np.array([0.0, 1.0]), np.array([0.2, 0.6])) == 0.4


def test_without_positives_it_is_a_half():
    assert best_threshold(np.zeros(2), np.array([0.2, 0.6])) == 0.5


def test_of_two_thresholds_with_the_same_f1_the_higher_is_taken():
    """One positive of two found with one call, or both with four: F1 is two thirds either way."""
    assert best_threshold(np.array([1.0, 0.0, 0.0, 1.0]), np.array([0.9, 0.7, 0.5, 0.3])) == 0.8


def cost(labels, called, costs):
    return (
        costs.false_positive * (called * (1 - labels)).sum()
        + costs.false_negative * ((1 - called) * labels).sum()
    )


@given(pairs=PAIRS, costs=st.builds(Costs, st.integers(1, 50), st.integers(1, 50)))
@example(pairs=[(False, 1.0), (True, 0.0)], costs=Costs(50, 1))  # calling none is cheapest
@example(pairs=[(True, 0.0), (False, 0.0)], costs=Costs(1, 50))  # calling all is cheapest
def test_no_other_threshold_costs_less_and_none_as_cheap_is_higher(pairs, costs):
    labels, scores = np.array(pairs, dtype=np.float64).T

    best = cheapest_threshold(labels, scores, costs)

    reached = cost(labels, scores >= best, costs)
    for other in {*scores, 2.0}:
        decided = cost(labels, scores >= other, costs)
        assert reached <= decided + 1e-9
        if decided <= reached + 1e-9:
            assert (scores >= best).sum() <= (scores >= other).sum()


def test_a_missed_positive_that_costs_more_lowers_the_threshold():
    labels, scores = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, 0.2, 0.4, 0.8])

    assert cheapest_threshold(labels, scores, Costs(1, 20)) == 0.15
    assert cheapest_threshold(labels, scores, Costs(1, 1)) == 0.6
    assert cheapest_threshold(np.zeros(4), scores, Costs(1, 20)) == 0.9
