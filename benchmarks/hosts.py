"""Time two hosts with one processor each against one host with one processor.

Preprocess reads the same rows, 16 numbers, 4 texts and a number to predict, as CSV files of equal
size; Train learns from what one host prepared. Each host is a process that is bound to one
processor. The first gain is by the step's own time without the start of Python and its imports, of
the host that takes longest; hosts begin together. The second is by processor time, which other
programs on the machine change less. `boosting` bounds what Train can gain: LightGBM by itself on
the same rows, which are ready in memory, without validation rows.

    python benchmarks/hosts.py --rows 1000000 --repeat 3
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from side_by_side import NUMBERS, TEXTS, features, use_the_steps

TARGET = "y"
FILES = 16
PARTS = ("train", "validation", "test", "report")
LEAVES = 63
# The gain that two hosts must have.
LEAST = 1.5


def generate(folder: Path, rows: int) -> None:
    """Write the files, and the run's plan."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(7)
    folder.mkdir()
    for number in range(FILES):
        count = rows // FILES
        columns = features(random, count)
        signal = sum(np.nan_to_num(columns[name]) for name in NUMBERS[:6])
        columns[TARGET] = signal + random.normal(size=count)
        pl.DataFrame(columns).write_csv(folder / f"{number:02d}.csv")


def plan(rounds: int) -> dict[str, Any]:
    """run.json of a regression on these columns."""
    declared = [{"name": name, "kind": "numeric"} for name in NUMBERS]
    declared += [{"name": name, "kind": "categorical"} for name in TEXTS]
    content = {
        "task": "regression",
        "target": TARGET,
        "data": {},
        "features": declared,
        "split": {"train": 0.7, "validation": 0.15, "test": 0.15},
        "trainer": {
            "library": "lightgbm",
            "rounds": rounds,
            "early_stopping_rounds": 0,
            "seed": 7,
            "parameters": {"num_leaves": LEAVES},
        },
        "metrics": {"primary": "rmse"},
        "gate": {},
        "resources": {"preprocess": {"memory_mb": 2048}},
    }
    return {"run": "r", "model": "bench", "definition": {"content": content}}


class Files:
    """An S3 client over a folder of this disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get_object(self, Bucket: str, Key: str, Range: str = "") -> dict[str, Any]:  # noqa: N803 - boto3's names
        file = (self.folder / Key).open("rb")
        if not Range:
            return {"Body": file}
        first, last = map(int, Range.removeprefix("bytes=").split("-"))
        file.seek(first)
        return {"Body": _Part(file.read(last + 1 - first))}


class _Part:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self, size: int = -1) -> bytes:
        taken = self.content if size < 0 else self.content[:size]
        self.content = self.content[len(taken) :]
        return taken


def prepared(root: Path, source: Path) -> Callable[[], None]:
    """Preprocess as a host of a Processing job."""
    import preprocess.__main__
    import preprocess.pipeline
    import preprocess.sharing
    from contract.paths import Paths

    preprocess.__main__.s3_client = lambda: Files(source)
    return lambda: preprocess.__main__.main(Paths(root / "processing"))


def trained(root: Path, source: Path) -> Callable[[], None]:
    """Train as a host of a Training job."""
    import onnx  # noqa: F401

    import train.__main__
    import train.several_hosts
    from contract.libraries import lightgbm
    from contract.paths import TrainingPaths

    lightgbm()
    return lambda: train.__main__.main(TrainingPaths(root))


def boosted(root: Path, source: Path) -> Callable[[], None]:
    """LightGBM alone as a host of a Training job. The bins are those of all rows."""
    from contract.encoding import Encoding
    from contract.libraries import lightgbm
    from contract.paths import TrainingPaths
    from contract.plan import Plan
    from contract.rows import read_rows
    from train.cluster import Cluster

    paths = TrainingPaths(root)
    plan, cluster = Plan.read(paths.run_plan), Cluster.of(paths)
    frame = read_rows(paths.input("train"))
    encoding = Encoding.learn(frame, plan)
    matrix, labels = encoding.matrix(frame), encoding.labels(frame, "training")
    settings = {
        "objective": "regression",
        "num_leaves": LEAVES,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
    texts = [number for number, each in enumerate(encoding.features) if each.kind != "numeric"]
    library, mine = lightgbm(), slice(cluster.index, None, len(cluster.names))
    rows = library.Dataset(matrix, labels, params=settings, categorical_feature=texts).construct()
    if not cluster.alone:
        part = matrix[mine].copy(), labels[mine].copy()
        rows = rows.create_valid(*part, params=dict(settings)).construct()
        settings |= {"machines": cluster.machines, "local_listen_port": cluster.port}
        settings |= {"tree_learner": "data", "pre_partition": True}

    def work() -> None:
        booster = library.Booster(settings, rows)
        for _ in range(plan.trainer.rounds):
            booster.update()
        booster.free_network()

    return work


SIDES = {"preprocess": prepared, "train": trained, "boosting": boosted}


def work(step: str, root: Path, source: Path, processor: int) -> None:
    """What a host's process does: get ready, wait for the word, work, tell the times."""
    os.sched_setaffinity(0, {processor})
    os.environ["POLARS_MAX_THREADS"] = "1"
    use_the_steps()
    main = SIDES[step](root, source)
    print("ready", flush=True)
    sys.stdin.readline()
    began, used = time.monotonic(), time.process_time()
    main()
    times = {"work": time.monotonic() - began, "processor": time.process_time() - used}
    print(json.dumps(times), flush=True)


def together(step: str, roots: Sequence[Path], source: Path) -> dict[str, float]:
    """Run a step on these hosts; the times of the one that takes longest."""
    programs = [
        subprocess.Popen(
            [sys.executable, __file__, "--host", step, str(root), str(source), str(processor)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for processor, root in enumerate(roots)
    ]
    for program in programs:
        assert program.stdout is not None
        while program.stdout.readline() != "ready\n":
            assert program.poll() is None, f"{step} did not start"
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("\n")
        program.stdin.flush()
    told = [json.loads(program.communicate()[0].splitlines()[-1]) for program in programs]
    return {name: max(times[name] for times in told) for name in told[0]}


def lay_out(folder: Path, step: str, hosts: int, channels: Path, rounds: int) -> list[Path]:
    """A job's folders: one for each host."""
    from localaws.jobs.work import addresses

    names = [f"algo-{number + 1}" for number in range(hosts)]
    shutil.rmtree(folder, ignore_errors=True)
    resources = {"hosts": names, "addresses": addresses(hosts)}
    roots = [folder / name for name in names]
    for name, root in zip(names, roots, strict=True):
        config = root / ("config" if step == "preprocess" else "input/config")
        config.mkdir(parents=True)
        (config / "resourceconfig.json").write_text(json.dumps({**resources, "current_host": name}))
        if step != "preprocess":
            (root / "input/data").symlink_to(channels)
            continue
        inputs = root / "processing/input"
        (inputs / "run").mkdir(parents=True)
        (inputs / "run/run.json").write_text(json.dumps(plan(rounds)))
        (inputs / "snapshot").mkdir()
        objects = [
            {"key": file.name, "version_id": "null", "size": file.stat().st_size}
            for file in sorted(channels.iterdir())
        ]
        (inputs / "snapshot/s.json").write_text(json.dumps({"bucket": "b", "objects": objects}))
    return roots


def compare(step: str, folder: Path, channels: Path, repeat: int, rounds: int) -> float:
    """Run one host and two in turn; print the medians and return the gain."""
    found: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for _ in range(repeat):
        for hosts, times in found.items():
            roots = lay_out(folder / f"{step}-{hosts}", step, hosts, channels, rounds)
            times.append(together(step, roots, channels))
    one, two = (
        {name: median(times[name] for times in found[hosts]) for name in ("work", "processor")}
        for hosts in (1, 2)
    )
    gain = one["work"] / two["work"]
    print(
        f"{step:<10}  one host {one['work']:6.2f} s  two hosts {two['work']:6.2f} s  "
        f"gain {gain:.2f}  (processor {one['processor']:.2f} s, {two['processor']:.2f} s each, "
        f"gain {one['processor'] / two['processor']:.2f})"
    )
    return gain


def main() -> None:
    """Generate the rows, compare both steps, and fail below the least gain."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--host", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.host:
        step, root, source, processor = options.host
        work(step, Path(root), Path(source), int(processor))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "source"
        generate(source, options.rows)
        gains = [compare("preprocess", folder, source, options.repeat, options.rounds)]
        channels = folder / "channels"
        channels.mkdir()
        output = folder / "preprocess-1/algo-1/processing/output"
        for part in PARTS:
            shutil.move(output / part, channels / part)
        (channels / "run").mkdir()
        (channels / "run/run.json").write_text(json.dumps(plan(options.rounds)))
        gains.append(compare("train", folder, channels, options.repeat, options.rounds))
        compare("boosting", folder, channels, options.repeat, options.rounds)
    if min(gains) < LEAST:
        sys.exit(f"two hosts must gain at least {LEAST} in both steps")


if __name__ == "__main__":
    main()
