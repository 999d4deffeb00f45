"""Measure what a search gains: `python -P benchmarks/search.py`.

On random splits (numpy permutations with seeds 0 to 9) of abalone and of churn into 70 % training,
15 % validation and 15 % test rows, Train learns with the parameters of models/<name>/model.yaml and
with those that a search of 50 trials in SPACE finds. Both are scored on the test rows, which the
search has not seen, by the model's primary metric. The gain is paired by split.

Splits share rows, so their gains are not independent. The interval is the corrected resampled
t-interval: Nadeau, Bengio, "Inference for the Generalization Error", Machine Learning 52, 2003.

`-P`, because benchmarks/preprocess.py has the name of a step:

    python -P benchmarks/search.py [--splits 10] [--trials 50] [NAME …]
"""

import argparse
import dataclasses
import json
import math
import time
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import t as student

from contract.artifact import Artifact
from contract.metrics import HIGHER_IS_BETTER, Scored, measure
from contract.onnx_scoring import onnx_scores
from contract.plan import Dimension, Plan, Search
from core.definition.parse import parse_definition
from sample_data import abalone, churn
from train.model import Prepared
from train.search import search

PROJECT = Path(__file__).resolve().parents[1]
SHARES = (0.7, 0.85)
SPACE = {
    "learning_rate": Dimension(0.01, 0.3, log=True),
    "num_leaves": Dimension(4, 63),
    "min_data_in_leaf": Dimension(5, 100, log=True),
    "feature_fraction": Dimension(0.4, 1.0),
    "lambda_l2": Dimension(0.001, 30.0, log=True),
}


def main() -> None:
    """Print a line for each model: both means, and the gain with its interval."""
    parser = argparse.ArgumentParser(description="Measure what a search for parameters gains.")
    parser.add_argument("names", nargs="*", default=["abalone", "churn"])
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--trials", type=int, default=50)
    options = parser.parse_args()
    for name in options.names:
        print(compared(name, options.splits, options.trials), flush=True)


def compared(name: str, splits: int, trials: int) -> str:
    """Train with and without a search on each split; the result in a line."""
    plan, rows = read_plan(name), read_rows(name)
    wanted = dataclasses.replace(plan, search=Search(trials, 4, None, SPACE))
    own, found, validated, seconds = [], [], [], []
    for seed in range(splits):
        parts = split(rows, seed)
        prepared = Prepared.of(wanted, parts[0], parts[1])
        own.append(on_test_rows(plan, prepared.trained().artifact, parts[2]))
        started = time.process_time()
        best = search(prepared, time.monotonic, lambda _: None)
        seconds.append(time.process_time() - started)
        artifact = prepared.with_parameters(best.parameters).trained().artifact
        found.append(on_test_rows(plan, artifact, parts[2]))
        first = best.trials[0].result.value or math.nan
        validated.append(gained(plan, first, best.best.result.value or math.nan))
    gains = [gained(plan, before, after) for before, after in zip(own, found, strict=True)]
    low, high = interval(gains)
    return (
        f"{name}: {plan.primary} on the test rows, own parameters {np.mean(own):.4f}, best of "
        f"{trials} trials {np.mean(found):.4f}; gain {np.mean(gains):+.4f} ({low:+.4f} to "
        f"{high:+.4f}), better on {sum(gain > 0 for gain in gains)} of {splits} splits; on the "
        f"validation rows {np.mean(validated):+.4f}; {np.median(seconds):.0f} processor seconds "
        "each"
    )


def gained(plan: Plan, before: float, after: float) -> float:
    """How much better, whichever way the metric is better."""
    return after - before if plan.primary in HIGHER_IS_BETTER else before - after


def interval(gains: list[float]) -> tuple[float, float]:
    """The corrected resampled t-interval of the mean gain, 95 %."""
    count = len(gains)
    test_by_train = (1 - SHARES[1]) / SHARES[0]
    error = math.sqrt((1 / count + test_by_train) * np.var(gains, ddof=1))
    reach = float(student.ppf(0.975, count - 1)) * error
    return float(np.mean(gains)) - reach, float(np.mean(gains)) + reach


def split(rows: pl.DataFrame, seed: int) -> list[pl.DataFrame]:
    """Training, validation and test rows."""
    order = np.random.default_rng(seed).permutation(rows.height)
    bounds = [int(share * rows.height) for share in SHARES]
    return [rows[part] for part in np.split(order, bounds)]


def on_test_rows(plan: Plan, artifact: Artifact, rows: pl.DataFrame) -> float:
    """The primary metric of a model's ONNX form."""
    truth = artifact.encoding.labels(rows, "test")
    scores = onnx_scores(artifact, rows)[:, 0].astype(np.float64)
    return float(measure(plan.primary, Scored(plan.task, truth, scores)))


def read_rows(name: str) -> pl.DataFrame:
    """All rows of a model's sample data."""
    folder = PROJECT / "datasets"
    if name == "abalone":
        return pl.read_csv(abalone.write(folder))
    return pl.concat(pl.read_csv(path, null_values=["", "NA"]) for path in churn.write(folder))


def read_plan(name: str) -> Plan:
    """The part of the run plan that Train needs."""
    path = PROJECT / "models" / name / "model.yaml"
    definition = parse_definition(path.read_text(encoding="utf-8"), path.name)
    content = json.loads(definition.model_dump_json())
    return Plan.from_document(
        {"run": "benchmark", "model": name, "definition": {"content": content}}
    )


if __name__ == "__main__":
    main()
