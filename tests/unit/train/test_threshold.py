"""The threshold of a binary model: the best F1 on the validation rows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from train.model import best_threshold

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
