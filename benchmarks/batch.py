"""Time batch scoring against bare polars and the library's own predict.

Both read the same generated CSV (16 numbers, 4 texts, a key), score it with the same LightGBM model
and write Parquet with key and probability. The step also checks every cell, counts, keeps each
row's place and proves that none is lost. They run in turn, each in its own process, and medians are
compared. `work` is without the imports, which do not grow with the data. Processor time is compared
too: other programs on the machine change it less.

One text has 3 values, one 10, one 50. The last has as many as `--categories` says: trees split it
into sets, which LightGBM and ONNX Runtime compare in different ways, so each number is a table.

Two shards on two processors are timed against the same two on one, a process for each host.

    python benchmarks/batch.py --rows 1000000 --repeat 3
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from side_by_side import (
    BLOCK,
    MOST_CATEGORIES,
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

KEY = "id"
TARGET = "y"
TRAINING_ROWS = 20_000
ROUNDS = 200
THROUGHPUT_TARGET = 0.9
SCALING_TARGET = 1.7


def definition() -> dict[str, Any]:
    """The model's definition, as a plan has it."""
    listed = [{"name": name, "kind": "numeric"} for name in NUMBERS]
    listed += [{"name": name, "kind": "categorical"} for name in TEXTS]
    return {
        "task": "binary",
        "target": TARGET,
        "positive": "1",
        "features": listed,
        "data": {"key": [KEY]},
        "split": {"train": 0.7, "validation": 0.15, "test": 0.15},
        "trainer": {
            "library": "lightgbm",
            "rounds": ROUNDS,
            "early_stopping_rounds": ROUNDS,
            "seed": 7,
        },
        "metrics": {"primary": "auc"},
        "gate": {},
        "resources": {"preprocess": {"memory_mb": 2048}},
    }


def generated(rows: int, most: int, seed: int = 7) -> Iterator[Any]:
    """Seeded rows, block by block; the last text has `most` values."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(seed)
    for start in range(0, rows, BLOCK):
        count = min(BLOCK, rows - start)
        columns = {KEY: np.arange(start, start + count), **features(random, count, most)}
        level = columns["x0"] + columns["x1"] * columns["x2"] + random.normal(size=count)
        columns[TARGET] = (level > 0).astype(int)
        yield pl.DataFrame(columns)


def write_rows(path: Path, rows: int, most: int, seed: int = 7) -> None:
    """Write the CSV."""
    with path.open("wb") as file:
        for number, block in enumerate(generated(rows, most, seed)):
            block.drop(TARGET).write_csv(file, include_header=number == 0)


def train_model(path: Path, most: int) -> None:
    """Train the model that both score with."""
    use_the_steps()
    import polars as pl

    from contract.plan import Plan
    from train.model import train

    document = {"run": "bench", "model": "bench", "definition": {"content": definition()}}
    [rows] = generated(TRAINING_ROWS, most, 1)
    rows = rows.with_columns(pl.col(NUMBERS).cast(pl.Float32), pl.col(TARGET).cast(pl.String))
    half = TRAINING_ROWS // 4
    artifact = train(Plan.from_document(document), rows[half:], rows[:half]).artifact
    path.write_bytes(artifact.pack())


def bare(model: Path, source: Path, output: Path) -> Callable[[], int]:
    """Polars reads, LightGBM predicts on all processors, polars writes; in blocks of rows."""
    use_the_steps()
    import lightgbm
    import numpy as np
    import polars as pl

    from contract.artifact import Artifact

    artifact = Artifact.unpack(model.read_bytes(), "model")
    booster = lightgbm.Booster(model_str=artifact.native.decode())
    codes = {
        feature.name: pl.Enum(feature.categories)
        for feature in artifact.encoding.features
        if feature.kind == "categorical"
    }

    def work() -> int:
        rows = 0
        types = {KEY: pl.String(), **schema(())}
        scan = pl.scan_csv(source, schema=types, null_values=["", "NA"])
        encoded = scan.with_columns(
            pl.col(NUMBERS).cast(pl.Float32),
            *(
                pl.col(name).cast(kind, strict=False).to_physical().cast(pl.Float32)
                for name, kind in codes.items()
            ),
        )
        for number, frame in enumerate(encoded.collect_batches(chunk_size=BLOCK)):
            matrix = frame.select(*NUMBERS, *TEXTS).to_numpy()
            scores = booster.predict(matrix, num_threads=0)
            probability = pl.Series("probability", np.asarray(scores, np.float32))
            frame.select(KEY, probability).write_parquet(output / f"{number}.parquet")
            rows += frame.height
        return rows

    return work


def batch_plan(digest: str, sources: list[Path], memory_mb: int) -> Any:
    """The plan of a batch of these files, with the model of that digest."""
    from contract.plan import Plan
    from reading.source import DataObject
    from score.batch_plan import BatchPlan

    document = {"run": "bench", "model": "bench", "definition": {"content": definition()}}
    objects = (DataObject("b", path.name, "1", path.stat().st_size) for path in sources)
    return BatchPlan(
        batch="bench",
        bucket="b",
        prefix="bench",
        release=1,
        artifact_sha256=digest,
        objects=tuple(objects),
        allow_missing=(),
        explain=0,
        shard_bytes=1,
        memory_mb=memory_mb,
        plan=Plan.from_document(document),
    )


def ours(
    model: Path, sources: list[Path], output: Path, memory_mb: int, threads: int
) -> Callable[[], int]:
    """The step's own code, without S3: a shard for each file."""
    use_the_steps()
    import onnx  # noqa: F401
    import onnxruntime  # noqa: F401

    from contract.artifact import Artifact, sha256
    from reading.shards import planned
    from score.pipeline import Scoring

    class Folder:
        """Writes what the step would put to S3."""

        def write(self, name: str, content: bytes) -> dict[str, Any]:
            (output / name.replace("/", "-")).write_bytes(content)
            return {"key": name, "bytes": len(content), "sha256": sha256(content)}

    packed = model.read_bytes()
    batch = batch_plan(sha256(packed), sources, memory_mb)
    artifact = Artifact.unpack(packed, "model")
    names = [path.name for path in sources]
    shards = planned([entry.size for entry in batch.objects], {}, batch.shard_bytes, 1)
    results: Any = Folder()

    def work() -> int:
        rows = 0
        with Scoring(batch, artifact, names, results, threads) as scoring:
            for shard in shards:
                paths = iter([sources[part.file] for part in shard.parts])
                record = scoring.score(shard, paths)
                rows += sum(file["scored"] for file in record["files"])
        return rows

    return work


def child(asked: argparse.Namespace) -> None:
    """One measured run: print seconds, rows and peak memory."""
    if asked.child == "bare":
        [source] = asked.source
        work = bare(asked.model, source, asked.output)
    else:
        threads = len(os.sched_getaffinity(0))
        work = ours(asked.model, asked.source, asked.output, asked.memory_mb, threads)
    print_work(work)


def begun(
    which: str, model: Path, sources: list[Path], output: str, memory_mb: int, cores: str = ""
) -> subprocess.Popen[str]:
    """Start this script as a child process, on these processors only."""
    command = ["taskset", "-c", cores] if cores else []
    command += [sys.executable, __file__, "--child", which, "--model", str(model)]
    command += ["--output", output, "--memory-mb", str(memory_mb)]
    command += ["--source", *map(str, sources)]
    threads = {"POLARS_MAX_THREADS": "1"} if cores else {}
    environment = {**os.environ, **threads}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def ended(process: subprocess.Popen[str]) -> Facts:
    """What a child process printed."""
    printed, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"a measured run failed with status {process.returncode}")
    found: Facts = json.loads(printed.splitlines()[-1])
    return found


def compare(rows: int, most: int, repeat: int, memory_mb: int) -> dict[str, Any]:
    """Medians of both, and the ratios the project has targets for."""
    with tempfile.TemporaryDirectory(prefix="bench-batch-") as folder:
        source, model = Path(folder) / "rows.csv", Path(folder) / "model.tar.gz"
        write_rows(source, rows, most)
        train_model(model, most)

        def measured(side: str) -> Facts:
            with tempfile.TemporaryDirectory(dir=folder) as output:
                return ended(begun(side, model, [source], output, memory_mb))

        return {**compared(measured, rows, repeat, memory_mb), "categories": most}


def scaling(rows: int, repeat: int, memory_mb: int) -> dict[str, Any]:
    """Two shards by one host on one processor, and by two hosts with one each."""
    one, two = [], []
    with tempfile.TemporaryDirectory(prefix="bench-batch-") as folder:
        model = Path(folder) / "model.tar.gz"
        train_model(model, MOST_CATEGORIES)
        sources = [Path(folder) / f"{number}.csv" for number in range(2)]
        for number, source in enumerate(sources):
            write_rows(source, rows // 2, MOST_CATEGORIES, number)
        for _ in range(repeat):
            with tempfile.TemporaryDirectory(dir=folder) as output:
                one.append(ended(begun("ours", model, sources, output, memory_mb, "0")))
            with tempfile.TemporaryDirectory(dir=folder) as output:
                hosts = [
                    begun("ours", model, [source], output, memory_mb, str(core))
                    for core, source in enumerate(sources)
                ]
                both = [ended(host) for host in hosts]
                two.append({name: max(each[name] for each in both) for name in both[0]})
    seconds, cpu = (
        {"one": median(run[name] for run in one), "two": median(run[name] for run in two)}
        for name in ("work", "cpu")
    )
    gain, by_processor = (each["one"] / each["two"] for each in (seconds, cpu))
    return {"rows": rows, **seconds, "gain": gain, "processor_gain": by_processor}


def table(found: dict[str, Any]) -> str:
    """A comparison as text."""
    rows = found["rows"]
    lines = [
        f"{rows:,} rows, up to {found['categories']} categories, medians of {found['repeat']}, "
        f"{os.cpu_count()} processors"
    ]
    lines += [
        f"  {which}: work {values['work']:.2f} s ({rows / values['work']:,.0f} rows/s), "
        f"CPU {values['cpu']:.2f} s, peak {values['peak_mb']:.0f} MB"
        for which, values in found["medians"].items()
    ]
    lines.append(
        f"  throughput ratio {found['throughput_ratio']:.2f} (target {THROUGHPUT_TARGET}), "
        f"by processor time {found['processor_ratio']:.2f}, "
        f"peak {found['peak_mb']:.0f} of {found['memory_mb']} MB"
    )
    return "\n".join(lines)


def main() -> None:
    """Parse the command line; print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--categories", type=int, nargs="+", default=[50, MOST_CATEGORIES])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory-mb", type=int, default=2048)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(asked)
        return
    for rows in asked.rows:
        for most in asked.categories:
            found = compare(rows, most, asked.repeat, asked.memory_mb)
            print(json.dumps(found) if asked.json else table(found))
    gain = scaling(min(asked.rows), asked.repeat, asked.memory_mb)
    if asked.json:
        print(json.dumps(gain))
        return
    print(
        f"{gain['rows']:,} rows in two shards: one processor {gain['one']:.2f} s, two hosts "
        f"{gain['two']:.2f} s, {gain['gain']:.2f} times as fast (target {SCALING_TARGET}), "
        f"by processor time {gain['processor_gain']:.2f}"
    )


if __name__ == "__main__":
    main()
