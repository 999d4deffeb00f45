"""Time the whole local loop against Metaflow and against three bare processes.

    make bench     or     .venv/bin/python benchmarks/loop.py [--repeat 5]

Four things are timed in turn, again and again, so that a change in the machine's speed affects all:

    cold       `kanmon up`, `deploy`, `put-data`, `run`: from nothing to a registered candidate
    metaflow   a Metaflow flow that runs just the three steps
    warm       `kanmon run --force` on a running stage: snapshot, three steps, gate, registry
    bare       the three steps as plain processes, one after the other

All run the same step programs on abalone. The baselines also read their data from a running stage.
Metaflow lives in .venv-bench (`make .venv-bench/ready`).
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import boto3

ROOT = Path(__file__).parents[1]
STEPS = ("preprocess", "train", "evaluate")
# Before each timing: a second after a run the local stage begins to get the next one ready.
SETTLE_SECONDS = 4.0
DATA = ROOT / "datasets/abalone/abalone.csv"
# What each step reads: its own input's name -> where it comes from.
INPUTS = {
    "preprocess": {"run": "run", "snapshot": "snapshot"},
    "train": {
        "run": "run",
        "train": "preprocess/output/train",
        "validation": "preprocess/output/validation",
        "report": "preprocess/output/report",
    },
    "evaluate": {
        "run": "run",
        "test": "preprocess/output/test",
        "report": "preprocess/output/report",
        "model": "train/output/model",
    },
}


def kanmon(home: Path, *arguments: str) -> str:
    """Run the command line on a separate stage; return its output."""
    environment = {**os.environ, "KANMON_HOME": str(home), "KANMON_PROJECT": str(ROOT)}
    done = subprocess.run(
        [ROOT / ".venv/bin/kanmon", *arguments], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"kanmon {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout


def cold(home: Path) -> None:
    """From nothing to a registered candidate."""
    kanmon(home, "up")
    kanmon(home, "deploy")
    kanmon(home, "put-data", "abalone", str(DATA))
    kanmon(home, "run", "abalone")


def warm(home: Path) -> None:
    """A second run on the same stage; it trains although nothing is new."""
    kanmon(home, "run", "abalone", "--force")


def prepare(home: Path, root: Path) -> dict[str, str]:
    """Prepare the steps' inputs as jobs would find them; return the environment they need."""
    stage = json.loads((home / "stage.json").read_text())
    session = boto3.session.Session(
        stage["access_key"], stage["secret_key"], region_name="us-east-1"
    )
    s3 = session.client("s3", endpoint_url=stage["endpoint"])
    bucket = next(b["Name"] for b in s3.list_buckets()["Buckets"] if "databucket" in b["Name"])
    runs = s3.list_objects_v2(Bucket=bucket, Prefix="runs/abalone/")["Contents"]
    key = next(item["Key"] for item in runs if item["Key"].endswith("/run.json"))
    plan = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    plan["champion"] = None
    snapshot_key = plan["snapshot"]["uri"].split("/", 3)[3]
    for folder in ("run", "snapshot"):
        (root / folder).mkdir(parents=True)
    (root / "run/run.json").write_text(json.dumps(plan))
    s3.download_file(bucket, snapshot_key, str(root / "snapshot" / Path(snapshot_key).name))
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "USER": "bench",
        "AWS_ACCESS_KEY_ID": stage["access_key"],
        "AWS_SECRET_ACCESS_KEY": stage["secret_key"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": stage["endpoint"],
    }


def empty(root: Path) -> None:
    """Fresh folders for the three steps, each input linked to an earlier step's output."""
    for step in STEPS:
        shutil.rmtree(root / step, ignore_errors=True)
        (root / step / "input").mkdir(parents=True)
        for name, source in INPUTS[step].items():
            (root / step / "input" / name).symlink_to(root / source)


def bare(root: Path, environment: dict[str, str]) -> None:
    """The three steps as plain processes."""
    empty(root)
    for step in STEPS:
        subprocess.run(
            [ROOT / ".venv/bin/python", "-m", step],
            cwd=ROOT / "containers",
            env={**environment, "PROCESSING_ROOT": str(root / step)},
            check=True,
            stdout=subprocess.DEVNULL,
        )


def metaflow(root: Path, environment: dict[str, str]) -> None:
    """The three steps as the steps of a Metaflow flow."""
    empty(root)
    shutil.rmtree(root / ".metaflow", ignore_errors=True)
    subprocess.run(
        [ROOT / ".venv-bench/bin/python", ROOT / "benchmarks/metaflow_flow.py", "run"],
        cwd=root,
        env={
            **environment,
            "BENCH_ROOT": str(root),
            "BENCH_STEPS": str(ROOT / "containers"),
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(root),
            "METAFLOW_DEFAULT_METADATA": "local",
        },
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def seconds(work: Callable[[], None]) -> float:
    """Wall-clock seconds of one call, when nothing else works any more."""
    time.sleep(SETTLE_SECONDS)
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Time everything and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--repeat", type=int, default=5, help="rounds that count, after one that does not"
    )
    repeat = parser.parse_args().repeat
    if not DATA.exists():
        subprocess.run(
            [ROOT / ".venv/bin/python", "-m", "sample_data.abalone"], cwd=ROOT, check=True
        )
    times: dict[str, list[float]] = {"cold": [], "metaflow": [], "warm": [], "bare": []}
    with tempfile.TemporaryDirectory() as folder:
        home, other, root = Path(folder, "stage"), Path(folder, "cold"), Path(folder, "steps")
        try:
            cold(home)
            environment = prepare(home, root)
            for round_number in range(repeat + 1):
                measured = {"cold": seconds(lambda: cold(other))}
                kanmon(other, "down", "--erase")  # it must not run beside the next ones
                measured["metaflow"] = seconds(lambda: metaflow(root, environment))
                measured["warm"] = seconds(lambda: warm(home))
                measured["bare"] = seconds(lambda: bare(root, environment))
                for name, value in measured.items() if round_number else ():
                    times[name].append(value)
        finally:
            kanmon(home, "down", "--erase")
            kanmon(other, "down", "--erase")
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        print(f"{name:9} {medians[name]:6.2f} s   ({min(values):.2f} to {max(values):.2f})")
    print(
        f"whole loop, cold / Metaflow's three steps   {medians['cold'] / medians['metaflow']:.2f}"
    )
    print(f"second run, warm / three bare processes     {medians['warm'] / medians['bare']:.2f}")


if __name__ == "__main__":
    main()
