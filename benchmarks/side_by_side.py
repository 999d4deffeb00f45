"""A step beside bare polars: the same generated rows, in turn, each in a process of its own."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

NUMBERS = [f"x{index}" for index in range(16)]
TEXTS = [f"c{index}" for index in range(4)]
# One text has 3 values, one 10, one 50; how many the last has is up to the caller.
CATEGORIES = (3, 10, 50)
MOST_CATEGORIES = 500
BLOCK = 250_000
CONTAINERS = Path(__file__).resolve().parent.parent / "containers"
SIDES = ("bare", "ours")

# What a measured process says of itself, by name.
Facts = dict[str, float]


def features(random: Any, count: int, most: int = MOST_CATEGORIES) -> dict[str, Any]:
    """The columns of so many rows; the last text has `most` values."""
    import numpy as np

    columns: dict[str, Any] = {name: random.normal(size=count).round(6) for name in NUMBERS}
    for name, values in zip(TEXTS, (*CATEGORIES, most), strict=True):
        columns[name] = np.char.add("v", random.integers(0, values, count).astype(str))
    return columns


def schema(texts: tuple[str, ...]) -> dict[str, Any]:
    """The types to read the rows with; `texts` are the columns besides the features."""
    import polars as pl

    return {name: pl.Float64() for name in NUMBERS} | {
        name: pl.String() for name in (*TEXTS, *texts)
    }


def use_the_steps() -> None:
    """Make the steps' code importable, as their images have it."""
    sys.path.insert(0, str(CONTAINERS))
    # As the steps do at their start; see preprocess/__main__.py.
    sys.modules["hypothesis"] = None  # type: ignore[assignment]


def print_work(work: Callable[[], int]) -> None:
    """Run it once; print rows, seconds, processor time and the peak of memory as JSON."""
    started, cpu = time.perf_counter(), time.process_time()
    rows = work()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    use_the_steps()
    from contract.usage import peak_memory_bytes  # not what the process that began this one used

    peak = peak_memory_bytes() / (1 << 20)
    print(json.dumps({"rows": rows, "work": seconds, "peak_mb": peak, "cpu": cpu}))


def compared(
    measured: Callable[[str], Facts], rows: int, repeat: int, memory_mb: int
) -> dict[str, Any]:
    """Measure both sides in turn: medians, and the ratios the project has targets for."""
    runs: dict[str, list[Facts]] = {side: [] for side in SIDES}
    for _ in range(repeat):
        for side, done in runs.items():
            done.append(measured(side))
            assert done[-1]["rows"] == rows
    middle = {
        side: {name: median(run[name] for run in done) for name in done[0]}
        for side, done in runs.items()
    }
    peak = max(run["peak_mb"] for run in runs["ours"])
    return {
        "rows": rows,
        "repeat": repeat,
        "memory_mb": memory_mb,
        "medians": middle,
        "throughput_ratio": middle["bare"]["work"] / middle["ours"]["work"],
        "processor_ratio": middle["bare"]["cpu"] / middle["ours"]["cpu"],
        "peak_mb": peak,
        "within_memory": peak <= memory_mb,
    }
