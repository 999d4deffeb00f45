"""How often a monitoring of unchanged data alarms, and how often one of changed data does.

Each run is a whole monitoring: 20 features (drift, missing, unknown), invalid rows, predictions
and quality, against a baseline of its own, as Preprocess writes it. `even` has normal numbers and
common categories; `skewed` has heavy tails, counts, many zeros, rare and very many categories, few
missing values and few positives. The floor is off. `no bar` is the worst case: any effect that
chance does not explain alarms; `bar` adds the practical effects of model.yaml. The bounds are the
upper ends of 95 % intervals (C. Clopper, E. Pearson, 1934).

    python benchmarks/drift.py --runs 20000
    python benchmarks/drift.py --power --runs 200
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

CONTAINERS = Path(__file__).resolve().parent.parent / "containers"
sys.path.insert(0, str(CONTAINERS))

from contract.baseline_merge import COMMON_SHARE  # noqa: E402
from contract.metrics import Scored, measure  # noqa: E402
from drift.checks import ALPHA, Check, alarms  # noqa: E402
from drift.comparison import (  # noqa: E402
    compare_features,
    compare_invalid,
    compare_predictions,
    family_of,
)
from drift.counts import FeatureCounts, Reference, references  # noqa: E402
from drift.quality import worse_by_chance  # noqa: E402
from drift.scores import answered, scores_of  # noqa: E402

SIZES = (100, 300, 1_000, 100_000)
BASELINE_ROWS = 3_000
TEST_ROWS = 600
# The most labelled rows and answers that are drawn one by one; more would only take longer.
MOST_DRAWN = 2_000
SETTINGS = {
    **{"minimum_rows": 1, "minimum_labels": 1, "drift": 0.1, "prediction_drift": 0.1},
    **{"missing": 0.05, "unknown": 0.05, "invalid": 0.01, "quality": 0.02},
}
ZIPF = 1 / np.arange(1, 301) ** 1.3
ROOT_TWO = math.sqrt(2)


@dataclass(frozen=True)
class Kind:
    """A feature: how values are drawn, P(value <= edge) or the categories' shares, and the share
    of missing values. Later rows are drawn as counts in bins, which has the same distribution."""

    missing: float
    values: Callable[[np.random.Generator, int], Any] | None = None
    up_to: Callable[[float], float] | None = None
    weights: Sequence[float] = ()


def _normal(edge: float, mean: float = 0.0) -> float:
    return (1 + math.erf((edge - mean) / ROOT_TWO)) / 2


def _lognormal(edge: float) -> float:
    return _normal(math.log(edge) / 2) if edge > 0 else 0.0


def _poisson(edge: float) -> float:
    return sum(math.exp(-1) / math.factorial(each) for each in range(math.floor(edge) + 1))


NORMAL = Kind(0.05, lambda random, rows: random.normal(size=rows), _normal)
FIVE = Kind(0.05, weights=(1, 1, 1, 1, 1))
CAUCHY = Kind(
    0.002,
    lambda random, rows: random.standard_cauchy(rows),
    lambda edge: 0.5 + math.atan(edge) / math.pi,
)
LOGNORMAL = Kind(0.002, lambda random, rows: random.lognormal(0, 2, rows), _lognormal)
ZEROS = Kind(
    0.002,
    lambda random, rows: (random.random(rows) < 0.15) * random.lognormal(0, 2, rows),
    lambda edge: 0.85 * (edge >= 0) + 0.15 * _lognormal(edge),
)
POISSON = Kind(0.002, lambda random, rows: random.poisson(1.0, rows).astype(float), _poisson)
RARE = Kind(0.002, weights=(96, 2, 1, 0.6, 0.3, 0.1))
MANY = Kind(0.002, weights=tuple(ZIPF.tolist()))
EVEN = [*[NORMAL] * 12, *[FIVE] * 8]
SKEWED = [*[CAUCHY] * 4, *[LOGNORMAL] * 3, *[ZEROS] * 3, *[POISSON] * 3, *[RARE] * 5, *[MANY] * 2]
SHAPES = {"even": EVEN, "skewed": SKEWED}


def baseline_of(random: np.random.Generator, kinds: Sequence[Kind]) -> dict[str, Any]:
    """baseline.json of unchanged rows."""
    features = {f"x{place}": _entry(random, kind) for place, kind in enumerate(kinds)}
    return {"format": 1, "rows": BASELINE_ROWS, "features": features}


def _entry(random: np.random.Generator, kind: Kind) -> dict[str, Any]:
    missing = int(random.binomial(BASELINE_ROWS, kind.missing))
    rows = BASELINE_ROWS - missing
    entry = {"missing": missing / BASELINE_ROWS}
    if kind.values is None:
        times = {name: count / rows for name, count in _categories(random, rows, kind).items()}
        return {**entry, "kind": "categorical", "categories": times}
    values = kind.values(random, rows)
    edges, shares, common = bins_of(values)
    numeric = {"edges": edges, "shares": shares, "common": common, "sampled": rows}
    return {**entry, "kind": "numeric", "numeric": {**numeric, "mean": float(values.mean())}}


def bins_of(values: Any) -> tuple[list[float], list[float], dict[str, list[float]]]:
    """What histogram and common_values of contract.histogram give, in a tenth of their time."""
    ordered = np.sort(values)
    distinct, times = np.unique(ordered, return_counts=True)
    often = times >= COMMON_SHARE * len(ordered)
    common = {
        "values": distinct[often].tolist(),
        "shares": (times[often] / len(ordered)).tolist(),
    }
    if len(distinct) <= 10:
        inner = (distinct[1:] + distinct[:-1]) / 2
    else:
        inner = ordered[[int(step / 10 * (len(ordered) - 1)) for step in range(1, 10)]]
    inner = np.unique(inner[(inner > ordered[0]) & (inner < ordered[-1])])
    below = np.searchsorted(ordered, inner, side="right")
    shares = np.diff([0, *below, len(ordered)]) / len(ordered)
    return [float(ordered[0]), *inner.tolist(), float(ordered[-1])], shares.tolist(), common


def _categories(random: np.random.Generator, rows: int, kind: Kind) -> dict[str, int]:
    times = random.multinomial(rows, np.array(kind.weights) / sum(kind.weights))
    return {str(place): int(times[place]) for place in np.flatnonzero(times)}


def counts_of(
    random: np.random.Generator, rows: int, reference: Reference, kind: Kind
) -> FeatureCounts:
    """Later rows of a feature."""
    missing = int(random.binomial(rows, kind.missing))
    if kind.up_to is None:
        return FeatureCounts(rows, missing, None, _categories(random, rows - missing, kind))
    reached = [0.0, *(kind.up_to(edge) for edge in reference.inner.tolist()), 1.0]
    return FeatureCounts(rows, missing, random.multinomial(rows - missing, np.diff(reached)))


def _answers(random: np.random.Generator, rows: int, *, skewed: bool) -> Scored:
    labels = (random.random(rows) < (0.03 if skewed else 0.4)).astype(np.float64)
    scores = 1 / (1 + np.exp(-(random.normal(size=rows) + 2 * labels - (4 if skewed else 1))))
    return Scored("binary", labels, scores)


def monitoring(random: np.random.Generator, rows: int, shape: str) -> list[Check]:
    """All checks of one monitoring of unchanged rows, before the alarms are decided."""
    kinds = SHAPES[shape]
    baseline = baseline_of(random, kinds)
    family = family_of(baseline)
    counts = {
        name: counts_of(random, rows, reference, kind)
        for (name, reference), kind in zip(references(baseline).items(), kinds, strict=True)
    }
    checks = compare_features(baseline, counts, SETTINGS, family)
    refused = [int(random.binomial(size, 0.01)) for size in (BASELINE_ROWS, rows)]
    checks.append(compare_invalid(refused[0], BASELINE_ROWS, refused[1], rows, SETTINGS, family))
    skewed, drawn = shape == "skewed", min(rows, MOST_DRAWN)
    test = _answers(random, TEST_ROWS, skewed=skewed)
    now = _answers(random, drawn, skewed=skewed)
    scores = scores_of(test, ())
    reference = Reference.of(scores, TEST_ROWS)
    checks.append(compare_predictions(scores, answered(reference, now.scores), SETTINGS, family))
    # Without the bootstrap's interval, which would take most of the time.
    p, chance = worse_by_chance("log_loss", test, now, ALPHA / family)
    worse = measure("log_loss", now) - measure("log_loss", test)
    practical = float(SETTINGS["quality"])
    checks.append(
        Check("quality", None, "compared", value=worse, practical=practical, chance=chance, p=p)
    )
    return checks


def alarmed(checks: Sequence[Check], *, bar: bool) -> list[str]:
    """What alarms, with the practical effects or by chance alone."""
    asked = checks if bar else [replace(check, practical=None) for check in checks]
    return [f"{check.check} {check.feature}" for check in alarms(asked) if check.alarm]


def false_alarms(seed: int, rows: int, shape: str, runs: int) -> dict[str, Any]:
    """How many of so many monitorings of unchanged data alarm."""
    began, found, barred, what = time.monotonic(), 0, 0, []
    for run in range(runs):
        checks = monitoring(np.random.default_rng([seed, run, rows, len(shape)]), rows, shape)
        which = alarmed(checks, bar=False)
        found += bool(which)
        barred += bool(alarmed(checks, bar=True))
        what += which
    return {
        **{"rows": rows, "shape": shape, "runs": runs, "no bar": found, "bar": barred},
        "bound no bar": upper_bound(found, runs),
        "bound bar": upper_bound(barred, runs),
        "what": what,
        "seconds": round(time.monotonic() - began, 1),
    }


def upper_bound(found: int, runs: int) -> float:
    """The upper end of the exact 95 % interval of a share, by bisection of the binomial tail."""
    low, high = found / runs, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        terms = [
            math.exp(
                math.lgamma(runs + 1)
                - math.lgamma(each + 1)
                - math.lgamma(runs - each + 1)
                + each * math.log(middle)
                + (runs - each) * math.log1p(-middle)
            )
            for each in range(found + 1)
        ]
        low, high = (middle, high) if sum(terms) > 0.025 else (low, middle)
    return high


def _more(points: int) -> Kind:
    """So many rows of a hundred more have the first of five categories."""
    return replace(FIVE, weights=(20 + points, *[20 - points / 4] * 4))


# (the feature as it was, as it is, which check should see it)
PLANTED: Mapping[str, tuple[Kind, Kind, str]] = {
    **{
        f"mean + {size:g} sd": (
            NORMAL,
            replace(NORMAL, up_to=lambda edge, size=size: _normal(edge, size)),
            "drift",
        )
        for size in (0.2, 0.5, 1.0)
    },
    **{f"a category + {points} points": (FIVE, _more(points), "drift") for points in (5, 10, 20)},
    "missing + 5 points": (NORMAL, replace(NORMAL, missing=0.1), "missing"),
}


def power(seed: int, rows: int, name: str, runs: int) -> dict[str, Any]:
    """How often a planted change in one of 20 features alarms."""
    kind, later, check = PLANTED[name]
    found = {"no bar": 0, "bar": 0}
    for run in range(runs):
        random = np.random.default_rng([seed, run, rows])
        whole = baseline_of(random, [kind])
        [reference] = references(whole).values()
        counts = {"x0": counts_of(random, rows, reference, later)}
        family = 2 * len(EVEN) + 8 + 3
        checks = compare_features(whole, counts, SETTINGS, family)
        [planted] = [each for each in checks if each.check == check]
        unlikely = planted.p is not None and planted.p <= ALPHA / family
        found["no bar"] += unlikely
        found["bar"] += unlikely and (planted.value or 0.0) >= (planted.practical or 0.0)
    return {"planted": name, "rows": rows, "runs": runs, **found}


def main() -> None:
    """Measure and print, one line of JSON for each cell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--rows", type=int, nargs="*", default=SIZES)
    parser.add_argument("--shapes", nargs="*", default=tuple(SHAPES))
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--power", action="store_true")
    asked = parser.parse_args()
    for rows in asked.rows:
        if asked.power:
            for name in PLANTED:
                print(json.dumps(power(asked.seed, rows, name, asked.runs)), flush=True)
        else:
            for shape in asked.shapes:
                print(json.dumps(false_alarms(asked.seed, rows, shape, asked.runs)), flush=True)


if __name__ == "__main__":
    main()
