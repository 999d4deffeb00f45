"""Time counting captured rows into a baseline's bins against a bare polars group-by of the same.

Both have the rows in memory: 16 numbers, which are counted in ten bins each, and 4 texts. The
group-by cuts each number at the same edges. They run in turn, and medians are compared.

    python benchmarks/monitor.py --rows 1000000 --repeat 5
"""

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "containers"))

from drift.counting import count
from drift.counts import Reference, references

NUMBERS = [f"x{place}" for place in range(16)]
TEXTS = {f"c{place}": values for place, values in enumerate((3, 10, 50, 500))}


def generate(rows: int) -> pl.DataFrame:
    """Rows as they are captured: numbers with 64 bits, some of them missing."""
    random = np.random.default_rng(7)
    columns = {
        name: pl.Series(random.normal(size=rows)).set(pl.Series(random.random(rows) < 0.02), None)
        for name in NUMBERS
    }
    for name, values in TEXTS.items():
        chosen = random.integers(0, values, rows)
        columns[name] = pl.Series(chosen).cast(pl.String)
    return pl.DataFrame(columns)


def baseline() -> dict[str, Reference]:
    """Deciles of the numbers, and all values of the texts."""
    edges = [-4.0, -1.28, -0.84, -0.52, -0.25, 0.0, 0.25, 0.52, 0.84, 1.28, 4.0]
    numeric = {"edges": edges, "shares": [0.1] * 10, "mean": 0.0}
    features: dict[str, object] = {
        name: {"kind": "numeric", "missing": 0.02, "numeric": numeric} for name in NUMBERS
    }
    for name, values in TEXTS.items():
        shares = {str(value): 1 / values for value in range(values)}
        features[name] = {"kind": "categorical", "missing": 0.0, "categories": shares}
    return references({"rows": 50_000, "features": features})


def bare(frame: pl.DataFrame, asked: Mapping[str, Reference]) -> dict[str, dict[object, int]]:
    """One group-by for each column."""
    found = {}
    for name, reference in asked.items():
        key = pl.col(name)
        if reference.kind == "numeric":
            edges = reference.inner.tolist()
            key = key.cast(pl.Float32).bin_intervals(edges, labels=False, right_closed=True)
        found[name] = dict(frame.group_by(key.alias("value")).len().iter_rows())
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    frame, asked = generate(options.rows), baseline()
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(options.repeat):
        for name, work in (("ours", count), ("bare", bare)):
            began = time.perf_counter()
            found = work(frame, asked)
            times[name].append(time.perf_counter() - began)
            assert len(found) == len(asked)
    ours, theirs = median(times["ours"]), median(times["bare"])
    print(f"{options.rows:,} rows: counts {ours:.3f} s, bare group-by {theirs:.3f} s")
    print(f"throughput {theirs / ours:.2f} times the group-by's; the target is 0.8")


if __name__ == "__main__":
    main()
