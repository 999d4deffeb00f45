"""How often the gate's primary rule is right, by simulation: `python benchmarks/gate.py`.

Draws test rows and the scores of two models on them, and judges each pair with the bootstrap of
Evaluate and the rule of the gate, with the default margin. In the long run the candidate is as good
as the champion, or worse by once or twice the margin. Both models share the data's own noise, which
no model can foretell. Each has an error of its own besides, as two models have that were trained
with different seeds.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from contract.metrics import Floats, Scored, measure
from core.gate.non_inferiority import DEFAULT_SHARE, Difference, decide
from core.metrics import error
from evaluate import bootstrap

ROWS = (250, 500, 1000, 2000)
PAIRS = 100
WORSE = (0, 1, 2)
LONG_RUN = 400_000
# By design one in forty of the models that are worse by the margin passes; this allows for chance.
MOST_WRONG = 0.08


@dataclass(frozen=True)
class Case:
    """A kind of model. `own_error` is the spread of its own error: about as much as between two
    seeds of the shipped models, in units of the data's noise or, for classes, of log odds."""

    metric: str
    own_error: float
    draw: Callable[[np.random.Generator, int, tuple[float, ...]], list[Scored]]


def regression(random: np.random.Generator, rows: int, spreads: tuple[float, ...]) -> list[Scored]:
    """Models of a target with normal noise."""
    labels = random.normal(size=rows)
    return [Scored("regression", labels, random.normal(0, spread, rows)) for spread in spreads]


def binary(random: np.random.Generator, rows: int, spreads: tuple[float, ...]) -> list[Scored]:
    """Models of a class whose log odds have a spread of 2 about a third of positives."""
    odds = random.normal(-1, 2, rows)
    labels = (random.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    return [
        Scored("binary", labels, 1 / (1 + np.exp(-(odds + random.normal(0, spread, rows)))))
        for spread in spreads
    ]


CASES = (Case("rmse", 0.15, regression), Case("auc", 0.25, binary))


def main() -> None:
    """Print the tables. Exit 1 if a model that is worse by the margin passes too often."""
    # The draws follow from the number of rows alone, so they are made once for each.
    bootstrap._weights = cache(_listed(bootstrap._weights))  # type: ignore[assignment]
    most = 0.0
    for case in CASES:
        champion = long_run(case, case.own_error)
        margin = DEFAULT_SHARE * error(case.metric, champion)
        spreads = [spread_for(case, champion, times * margin) for times in WORSE]
        print(f"{case.metric}: champion {champion:.4f}, default margin {margin:.4f}; "
              f"{PAIRS} pairs of models in each cell")  # fmt: skip
        print("test rows  half-width  " + "  ".join(
            f"{'equal' if not times else f'{times} x margin worse':>20}" for times in WORSE
        ))  # fmt: skip
        print(" " * 23 + "  ".join(["promote  hold reject"] * len(WORSE)))
        for rows in ROWS:
            judged = [outcomes(case, spread, rows, margin) for spread in spreads]
            most = max(most, *(found["pass"] for found, _ in judged[1:]))
            cells = "  ".join(
                f"{found['pass']:7.2f}{found['hold']:6.2f}{found['reject']:7.2f}"
                for found, _ in judged
            )
            print(f"{rows:9,}  {judged[0][1] / margin:6.2f} x    {cells}", flush=True)
    print(f"of models worse by the margin or more, at most {most:.3f} pass; "
          f"target {MOST_WRONG} {'met' if most <= MOST_WRONG else 'MISSED'}")  # fmt: skip
    sys.exit(most > MOST_WRONG)


def long_run(case: Case, spread: float) -> float:
    """The metric of a model with this error of its own, over very many rows."""
    [model] = case.draw(np.random.default_rng(1), LONG_RUN, (spread,))
    return measure(case.metric, model)


def spread_for(case: Case, champion: float, loss: float) -> float:
    """The own error of a model that is worse than the champion by so much in the long run."""
    low, high = case.own_error, 10.0
    if not loss:
        return low
    for _ in range(30):
        middle = (low + high) / 2
        if error(case.metric, long_run(case, middle)) - error(case.metric, champion) < loss:
            low = middle
        else:
            high = middle
    return low


def outcomes(case: Case, spread: float, rows: int, margin: float) -> tuple[dict[str, float], float]:
    """How often each outcome comes of it, and the mean half-width of the interval."""
    random, found, widths = np.random.default_rng(rows), Counter[str](), []
    for _ in range(PAIRS):
        champion, candidate = case.draw(random, rows, (case.own_error, spread))
        compared = bootstrap.compare(candidate, champion, [case.metric]).difference or {}
        each = compared[case.metric]
        if each.value is None or each.low is None or each.high is None:
            continue  # a sample without both classes has no AUC
        difference = Difference(each.value, each.low, each.high)
        worst, best = difference.gain(case.metric)
        found[decide(worst, best, margin)] += 1
        widths.append(difference.half_width)
    shares = {outcome: found[outcome] / PAIRS for outcome in ("pass", "hold", "reject")}
    return shares, float(np.mean(widths))


def _listed(draw: Callable[[int], Iterator[Floats]]) -> Callable[[int], list[Floats]]:
    return lambda rows: list(draw(rows))


if __name__ == "__main__":
    main()
