"""Time the steps of abalone as Lambda functions, cold, in Lambda's runtime interface emulator.

    .venv/bin/python benchmarks/step_functions.py [--repeat 5]     with a Docker engine, .venv-sam

Beside each function, in turn, the same image does the same work as a plain container, with its
inputs in a folder: what a Processing job does once it has its machine. Both are given two
processors. A function's time is from its first call to the answer: its start, the imports, the
inputs from S3, the work and the results to S3. A container's is from `docker run` to its end.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from loop import DATA, INPUTS, ROOT, STEPS, kanmon, prepare

sys.path.insert(0, str(ROOT))

OUTPUTS = {
    "preprocess": {name: name for name in ("train", "validation", "test", "report")},
    "train": {"model": ""},
    "evaluate": {"evaluation": ""},
}
IMAGE = "steps@sha256:" + "1" * 64


def main() -> None:
    """Print the medians and their ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    for step in STEPS:
        words = ["docker", "build", "--quiet", "--target", step, "--tag", f"kanmon-steps:{step}"]
        subprocess.run([*words, str(ROOT / "containers")], check=True, capture_output=True)
    root = Path(tempfile.mkdtemp(prefix="step-functions-"))
    home = root / "home"
    try:
        kanmon(home, "up")
        kanmon(home, "deploy")
        kanmon(home, "put-data", "abalone", str(DATA))
        kanmon(home, "run", "abalone")
        times = measured(home, root, repeat)
    finally:
        kanmon(home, "down", "--erase")
        shutil.rmtree(root, ignore_errors=True)
    print(f"{'step':<12}{'function':>12}{'container':>12}{'ratio':>8}")
    sums = [0.0, 0.0]
    for step, (function, container) in times.items():
        sums = [sums[0] + function, sums[1] + container]
        print(f"{step:<12}{function:>10.2f} s{container:>10.2f} s{function / container:>8.2f}")
    print(f"{'all':<12}{sums[0]:>10.2f} s{sums[1]:>10.2f} s{sums[0] / sums[1]:>8.2f}")


def measured(home: Path, root: Path, repeat: int) -> dict[str, tuple[float, float]]:
    """The medians of each step, as a function and as a container."""
    environment = prepare(home, root)
    stage = json.loads((home / "stage.json").read_text())
    found: dict[str, tuple[list[float], list[float]]] = {step: ([], []) for step in STEPS}
    for _ in range(repeat):
        for step in STEPS:
            found[step][0].append(as_function(home, stage, step))
            found[step][1].append(as_container(root, environment, step))
    return {step: (statistics.median(a), statistics.median(b)) for step, (a, b) in found.items()}


def as_function(home: Path, stage: dict[str, Any], step: str) -> float:
    """Seconds from the first call of the function to its answer."""
    from tests.support.emulated import function

    with function(step, stage, IMAGE) as cold:
        answer = cold.call(event(home, step))
    if answer.error:
        raise SystemExit(f"{step}: {answer.document}")
    return answer.seconds


def event(home: Path, step: str) -> dict[str, Any]:
    """What the workflow asks of the step's function."""
    run = json.loads(kanmon(home, "show", "abalone", "--json"))["run"]
    bucket = bucket_of(home)
    own, attempts = f"s3://{bucket}/runs/abalone/{run}", f"s3://{bucket}/attempts/abalone/bench"
    snapshot = json.loads(kanmon(home, "show", "abalone", "--json"))["record"]["snapshot"]
    inputs = {
        "preprocess": {"snapshot": f"s3://{bucket}/snapshots/abalone/{snapshot}.json"},
        "train": {name: f"{own}/preprocess/{name}/" for name in ("train", "validation", "report")},
        "evaluate": {
            **{name: f"{own}/preprocess/{name}/" for name in ("test", "report")},
            "model": f"{own}/train/",
        },
    }
    return {
        "image": IMAGE,
        "environment": {"KANMON_RUN": run, "KANMON_MODEL": "abalone"},
        "inputs": {"run": f"{own}/run.json", **inputs[step]},
        "attempts": attempts,
        "attempt": f"{step}-0",
        "outputs": OUTPUTS[step],
    }


def bucket_of(home: Path) -> str:
    """The stage's data bucket."""
    return str(json.loads(kanmon(home, "deploy", "--json"))["outputs"]["DataBucketName"])


def as_container(root: Path, environment: dict[str, str], step: str) -> float:
    """Seconds from `docker run` of the step's image to its end."""
    folder = root / "container" / step
    shutil.rmtree(folder, ignore_errors=True)
    processing = folder / "processing"
    for name, source in INPUTS[step].items():
        shutil.copytree(source_of(root, source), processing / "input" / name)
    (processing / "output").mkdir()
    subprocess.run(["chmod", "-R", "a+rwX", str(folder)], check=True)
    given = {name: value for name, value in environment.items() if name.startswith("AWS_")}
    words = [
        *("docker", "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--network", "host"),
        *("--volume", f"{folder}:/opt/ml", "--env", "HOME=/tmp"),
        *(word for name in given for word in ("--env", name)),
        f"kanmon-steps:{step}",
    ]
    began = time.monotonic()
    subprocess.run(words, check=True, capture_output=True, env={**environment, **given})
    seconds = time.monotonic() - began
    # What the next step reads.
    target = root / step / "output"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(processing / "output", target)
    return seconds


def source_of(root: Path, source: str) -> Path:
    """Where `prepare` or an earlier container left an input."""
    return root / source


if __name__ == "__main__":
    main()
