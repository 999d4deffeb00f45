"""Measure the quality of abalone's settings: `python benchmarks/quality.py`.

Trains models/abalone as the Train step does, on ten random splits (numpy permutations with seeds
0 to 9) into 70 % training, 15 % validation and 15 % test rows, and scores the test rows with the
ONNX form. On the same splits XGBoost with depth 5, eta 0.2 and 50 rounds, a common setting for this
data, learns from the same training rows. It does not use the validation rows.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

from contract.libraries import xgboost
from contract.metrics import Scored, measure
from contract.onnx_scoring import onnx_scores
from contract.plan import Plan
from core.definition.parse import parse_definition
from sample_data import abalone
from train.model import train

PROJECT = Path(__file__).resolve().parents[1]
SPLITS = 10
TARGET = 2.12


def main() -> None:
    """Print both means and their ratio. Exit 1 if the mean misses its target."""
    rows = pl.read_csv(abalone.write(PROJECT / "datasets"))
    plan = read_plan(PROJECT / "models" / "abalone" / "model.yaml")
    ours, theirs, seconds = [], [], []
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(rows.height)
        first, second = int(0.7 * rows.height), int(0.85 * rows.height)
        parts = [rows[part] for part in np.split(order, [first, second])]
        started = time.perf_counter()
        artifact = train(plan, parts[0], parts[1]).artifact
        seconds.append(time.perf_counter() - started)
        truth = artifact.encoding.labels(parts[2], "test")
        scores = onnx_scores(artifact, parts[2])[:, 0].astype(np.float64)
        ours.append(measure("rmse", Scored("regression", truth, scores)))
        matrices = [artifact.encoding.matrix(part) for part in parts]
        theirs.append(reference(matrices[0], parts[0]["rings"].to_numpy(), matrices[2], truth))
    mean, other = float(np.mean(ours)), float(np.mean(theirs))
    print(f"abalone, default settings            mean test RMSE {mean:.4f} over {SPLITS} splits, "
          f"{np.median(seconds):.2f} s each")  # fmt: skip
    print(f"XGBoost, depth 5, eta 0.2, 50 rounds mean test RMSE {other:.4f} over the same splits")
    print(f"ratio {mean / other:.3f}; target {TARGET} {'met' if mean <= TARGET else 'MISSED'}")
    sys.exit(mean > TARGET)


def read_plan(path: Path) -> Plan:
    """The part of the run plan that Train needs."""
    definition = parse_definition(path.read_text(encoding="utf-8"), path.name)
    content = json.loads(definition.model_dump_json())
    return Plan.from_document(
        {"run": "benchmark", "model": "abalone", "definition": {"content": content}}
    )


def reference(
    train_rows: np.ndarray, train_truth: np.ndarray, test_rows: np.ndarray, truth: np.ndarray
) -> float:
    """The test RMSE of the baseline."""
    library = xgboost()
    settings = {"max_depth": 5, "eta": 0.2, "nthread": 1}
    booster = library.train(settings, library.DMatrix(train_rows, train_truth), 50)
    scores = booster.predict(library.DMatrix(test_rows)).astype(np.float64)
    return measure("rmse", Scored("regression", truth, scores))


if __name__ == "__main__":
    main()
