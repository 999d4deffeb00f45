"""The score from which a row of a binary model counts as positive. Pure.

A fixed one where model.yaml has a number; the cheapest on the validation rows where it has the
costs of mistakes; else the one with the highest F1 there. Measured on the rows and not computed
from the costs, because the scores are rarely calibrated, least of all with class weights.
"""

import numpy as np

from contract.metrics import Floats
from contract.plan import Costs, Plan


def threshold_of(plan: Plan, labels: Floats, scores: Floats) -> float | None:
    """The threshold that the plan asks for; None for a model that is not binary."""
    if plan.task != "binary":
        return None
    if plan.threshold is not None:
        return plan.threshold
    if plan.costs is not None:
        return cheapest_threshold(labels, scores, plan.costs)
    return best_threshold(labels, scores)


def best_threshold(labels: Floats, scores: Floats) -> float:
    """The threshold with the highest F1; 0.5 without positives.

    F1, because the costs of a missed and of a false positive are unknown, and because 0.5 finds
    almost nothing where positives are rare. Among equals the highest is taken. It lies half way to
    the next lower score, so a last digit cannot change a decision.

    >>> best_threshold(np.array([0.0, 0.0, 1.0]), np.array([0.1, 0.2, 0.4]))
    0.3
    """
    positives = labels.sum()
    if not positives:
        return 0.5
    order = np.argsort(-scores, kind="stable")
    descending = scores[order]
    found = np.cumsum(labels[order])
    called = np.arange(1, len(scores) + 1)
    f1 = 2 * found / (called + positives)
    # Rows with equal scores are positive together or not at all.
    f1[:-1][descending[:-1] == descending[1:]] = -1
    return _below(descending, int(np.argmax(f1)) + 1)


def cheapest_threshold(labels: Floats, scores: Floats, costs: Costs) -> float:
    """The threshold whose decisions cost least; among equals the highest, as for F1.

    >>> truth, scores = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, 0.2, 0.4, 0.8])
    >>> [cheapest_threshold(truth, scores, each) for each in (Costs(1, 20), Costs(20, 1))]
    [0.15, 0.6]
    """
    order = np.argsort(-scores, kind="stable")
    descending = scores[order]
    # The cost of calling the first 0, 1, 2, … of them positive.
    found = np.concatenate([[0.0], np.cumsum(labels[order])])
    called = np.arange(len(scores) + 1)
    cost = costs.false_positive * (called - found) + costs.false_negative * (found[-1] - found)
    cost[1:-1][descending[:-1] == descending[1:]] = np.inf
    return _below(descending, int(np.argmin(cost)))


def _below(descending: Floats, called: int) -> float:
    """The threshold that calls the first of these scores positive: between the last of them and the
    next. All are called from just above 0, none above the highest."""
    above = float(descending[called - 1]) if called else 1.0
    below = float(descending[called]) if called < len(descending) else 0.0
    if not called and below >= above:
        return float(np.nextafter(1.0, 2.0))
    middle = (above + below) / 2
    rounded = round(middle, 6)
    return rounded if below < rounded <= above else middle
