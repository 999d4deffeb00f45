"""Time Preprocess against the same polars expressions without it.

Both read the same generated CSV (16 numbers, 4 texts, a label), cast, hash each row, split by the
hash and write three Parquet outputs. Preprocess also checks every cell, counts and describes. They
run in turn, each in its own process, and medians are compared. `work` is without the imports, which
do not grow with the data; `process` is everything.

    python benchmarks/preprocess.py --rows 1000000 --repeat 5
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from side_by_side import (
    BLOCK,
    NUMBERS,
    SIDES,
    TEXTS,
    Facts,
    compared,
    features,
    print_work,
    schema,
    use_the_steps,
)

TARGET = "y"
SHARES = (0.7, 0.15, 0.15)


def generate(path: Path, rows: int) -> None:
    """Write the CSV: seeded, block by block."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(7)
    with path.open("wb") as file:
        for start in range(0, rows, BLOCK):
            count = min(BLOCK, rows - start)
            columns = features(random, count)
            columns[TARGET] = random.integers(0, 2, count)
            pl.DataFrame(columns).write_csv(file, include_header=start == 0)


def bare(source: Path, output: Path) -> Callable[[], int]:
    """The expressions alone: one lazy query, three sinks, polars' streaming engine."""
    import polars as pl
    import polars_hash

    def work() -> int:
        row = polars_hash.hash_rows(*NUMBERS, *TEXTS, version=1).nchash.xxhash64()
        rows = (
            pl.scan_csv(source, schema=schema((TARGET,)), null_values=["", "NA"])
            .with_columns(pl.col(NUMBERS).cast(pl.Float32))
            .with_columns(row.alias("__row"))
        )
        first, second = (round(share * 2**64) for share in (SHARES[0], SHARES[0] + SHARES[1]))
        at = pl.col("__row")
        parts = {
            "train": at < first,
            "validation": (at >= first) & (at < second),
            "test": at >= second,
        }
        sinks = []
        for part, condition in parts.items():
            (output / part).mkdir(parents=True)
            target = output / part / "part-0.parquet"
            sinks.append(rows.filter(condition).sink_parquet(target, lazy=True))
        pl.collect_all(sinks, engine="streaming")
        return pl.scan_parquet(output / "*" / "*.parquet").select(pl.len()).collect().item()

    return work


def ours(source: Path, output: Path, memory_mb: int) -> Callable[[], int]:
    """The step's own code, without the download."""
    use_the_steps()
    from contract.plan import Feature, Plan, Split, Trainer
    from preprocess.pipeline import preprocess
    from reading.source import SourceFile

    declared = [Feature(name, "numeric") for name in NUMBERS]
    declared += [Feature(name, "categorical") for name in TEXTS]
    plan = Plan(
        run="bench",
        model="bench",
        task="binary",
        target=TARGET,
        positive="1",
        features=tuple(declared),
        key=(),
        ignore=(),
        delimiter=",",
        null_values=("", "NA"),
        split=Split(*SHARES),
        trainer=Trainer("lightgbm", 1, 1, 7, {}),
        primary="auc",
        metrics=("auc",),
        segments=(),
        fairness=(),
        minimum_segment_rows=30,
        maximum_rejected_share=0.0,
        memory_mb=memory_mb,
        champion=None,
    )

    def folder(part: str) -> Path:
        path = output / part
        path.mkdir(parents=True, exist_ok=True)
        return path

    def work() -> int:
        files = [SourceFile(source, source.name)]
        outcome = preprocess(plan, files, folder, output, total_bytes=source.stat().st_size)
        return sum(outcome.written.values())

    return work


def child(which: str, source: Path, output: Path, memory_mb: int) -> None:
    """One measured run: print seconds, rows and peak memory."""
    work = bare(source, output) if which == "bare" else ours(source, output, memory_mb)
    print_work(work)


def measured(which: str, source: Path, folder: Path, memory_mb: int) -> Facts:
    """Run this script in a child process and return what it prints."""
    with tempfile.TemporaryDirectory(dir=folder) as output:
        command = [sys.executable, __file__, "--child", which, "--source", str(source)]
        command += ["--output", output, "--memory-mb", str(memory_mb)]
        started = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds = time.perf_counter() - started
    return {**json.loads(done.stdout), "process": seconds}


def compare(rows: int, repeat: int, memory_mb: int) -> dict[str, Any]:
    """Medians of both, and the ratios the project has targets for."""
    with tempfile.TemporaryDirectory(prefix="bench-preprocess-") as folder:
        source = Path(folder) / "rows.csv"
        generate(source, rows)
        found = compared(
            lambda side: measured(side, source, Path(folder), memory_mb), rows, repeat, memory_mb
        )
    bare, ours = (found["medians"][side]["process"] for side in SIDES)
    return {**found, "process_ratio": bare / ours}


def main() -> None:
    """Parse the command line; print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--memory-mb", type=int, default=2048)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(asked.child, asked.source, asked.output, asked.memory_mb)
        return
    for rows in asked.rows:
        found = compare(rows, asked.repeat, asked.memory_mb)
        if asked.json:
            print(json.dumps(found))
            continue
        print(f"{rows:,} rows, medians of {asked.repeat}, {os.cpu_count()} processors")
        for which, values in found["medians"].items():
            rate = rows / values["work"]
            print(
                f"  {which}: work {values['work']:.2f} s ({rate:,.0f} rows/s), "
                f"process {values['process']:.2f} s, CPU {values['cpu']:.2f} s, "
                f"peak {values['peak_mb']:.0f} MB"
            )
        print(
            f"  throughput ratio {found['throughput_ratio']:.2f} (target 0.9), "
            f"by processor time {found['processor_ratio']:.2f}, "
            f"whole process {found['process_ratio']:.2f}, "
            f"peak {found['peak_mb']:.0f} of {found['memory_mb']} MB"
        )


if __name__ == "__main__":
    main()
