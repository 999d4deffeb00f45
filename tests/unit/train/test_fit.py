"""The loop that adds rounds, and when it stops."""

import math

import pytest

from core.metrics import WATCHED
from train import lightgbm_learner, xgboost_learner
from train.learner import fit


class Scripted:
    """A learner whose validation metric follows a script; None ends it."""

    metric = "loss"

    def __init__(self, script, higher_is_better=False):
        self.script = iter(script)
        self.higher_is_better = higher_is_better

    def round(self):
        return next(self.script)


@pytest.mark.parametrize(
    ("script", "rounds", "patience", "best", "ran"),
    [
        ([3, 2, 1, 1, 1, 9], 6, 2, 3, 5),  # two rounds brought nothing better
        ([3, 2, 2.5, 1, 9, 9], 6, 2, 4, 6),  # a single bad round is waited out
        ([3, 2, 1], 3, 2, 3, 3),  # no more rounds allowed
        ([3, 2, None], 9, 2, 2, 2),  # nothing left to split
        ([1, 2, 3, 4], 4, 0, 1, 4),  # never stop early
        ([math.nan, 2, 1, 9, 9], 5, 2, 3, 5),  # not a number is beaten by any number
        ([1, math.nan, math.nan], 3, 2, 1, 3),  # and beats none
        ([None], 5, 2, 1, 0),
    ],
)
def test_training_keeps_the_best_round(script, rounds, patience, best, ran):
    fitted = fit(Scripted(script), rounds, patience)

    assert (fitted.best, len(fitted.history)) == (best, ran)


def test_higher_may_be_better():
    assert fit(Scripted([0.5, 0.7, 0.6], higher_is_better=True), 3, 5).best == 2


@pytest.mark.parametrize("learner", [lightgbm_learner, xgboost_learner])
def test_early_stopping_may_watch_what_model_yaml_allows(learner):
    assert {task: tuple(names) for task, names in learner.METRICS.items()} == WATCHED
