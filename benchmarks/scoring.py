"""Time the scoring function against bare ONNX Runtime.

It measures two trained models: abalone with its released settings, and a generated binary model
with 12 features. Each is packaged as by `make package`, with bytecode.

- `init`: a fresh process imports the handler's module, as Lambda does at a cold start. Bare is a
  process that imports ONNX Runtime and opens the same model. The interpreter's own start is in
  neither. Lambda's processor share grows with the function's memory: here it is a whole core.
- `1 row`, `1,000 rows`: the handler gets the parsed event and returns the answer, with validation,
  encoding, scoring and metrics line; its output is discarded. Bare is one `session.run` on the
  ready float32 matrix. Lambda parses and writes the JSON of a direct invoke outside the handler, so
  that is in neither. Medians are compared; `undisturbed` is the 10th percentile.

    python benchmarks/scoring.py --repeat 7
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
INIT_MS, ONE_ROW_MS, BATCH_RATIO = 200, 0.1, 1.2
BATCH = 1000

TIMED = "import time; t = time.perf_counter(); {work}; print((time.perf_counter() - t) * 1000)"
BARE = (
    "import onnxruntime as o; s = o.SessionOptions(); s.intra_op_num_threads = 1; "
    "o.InferenceSession('model/model.onnx', s, providers=['CPUExecutionProvider'])"
)


@dataclass(frozen=True)
class Calls:
    """Milliseconds of many calls: the handler's and bare ONNX Runtime's, in turn."""

    mine: list[float]
    bare: list[float]

    @property
    def ratio(self) -> float:
        """The handler's median divided by the bare one's."""
        return median(self.mine) / median(self.bare)


def models() -> dict[str, tuple[Any, Any]]:
    """Artifact and rows by name; each has its target among the columns."""
    import numpy as np
    import polars as pl

    from contract.plan import Plan
    from core.definition.parse import parse_definition
    from train.model import train

    sys.path.insert(0, str(ROOT))
    from tests.support.training_cases import document

    found = {}
    written = (ROOT / "models/abalone/model.yaml").read_text()
    content = parse_definition(written, "model.yaml").model_dump()
    shells = pl.read_csv(ROOT / "datasets/abalone/abalone.csv")
    frame = shells.sample(fraction=1, shuffle=True, seed=7)
    plan = Plan.from_document(
        {"run": "r", "model": "abalone", "champion": None, "definition": {"content": content}}
    )
    found["abalone"] = (train(plan, frame[:2900], frame[2900:3500]).artifact, frame[3000:])
    random = np.random.default_rng(7)
    columns: dict[str, Any] = {f"x{at}": random.normal(size=6000) for at in range(8)}
    columns |= {f"c{at}": random.choice(["a", "b", "c", "d"], 6000) for at in range(4)}
    frame = pl.DataFrame(columns).with_columns(
        target=pl.when(pl.col("x0") + pl.col("x1") * (pl.col("c0") == "a") > 0.5)
        .then(pl.lit("yes"))
        .otherwise(pl.lit("no"))
    )
    features = {name: "numeric" if name[0] == "x" else "categorical" for name in columns}
    small_steps = {"min_data_in_leaf": 5, "learning_rate": 0.04}  # some hundred trees
    wide = document("binary", features=features, rounds=400, patience=100, parameters=small_steps)
    wide_plan = Plan.from_document(wide)
    found["binary"] = (train(wide_plan, frame[:4000], frame[4000:5000]).artifact, frame[5000:])
    return found


def package(folder: Path, artifact: Any, frame: Any) -> dict[str, str]:
    """Unpack a release's package as Lambda does; return its environment."""
    from scorer.model import Model
    from shipping import scorer_package
    from shipping.record import Record, sha256
    from shipping.verify import manifest, unpacked

    content = artifact.pack()
    code = scorer_package.without_libraries(ROOT / "serving/scoring")
    with zipfile.ZipFile(BytesIO(code)) as archive:
        archive.extractall(folder)
    place = {"uri": "s3://b/k", "version": "", "sha256": sha256(content)}
    record = Record(b"", {"artifact": place})
    (folder / "model").mkdir()
    files = unpacked(content)
    for name, each in {**files, "files.json": manifest(record, files)}.items():
        (folder / "model" / name).write_bytes(each)
    loaded = Model.load(folder / "model", sha256(content))
    moved = loaded.moved(artifact.encoding.matrix(frame.head(100)))
    leading = manifest(record, files, moved.index(max(moved)))
    (folder / "model/files.json").write_bytes(leading)
    return {"MODEL": "bench", "RELEASE": "1", "ARTIFACT_SHA256": sha256(content)}


def init(folder: Path, environment: dict[str, str], repeat: int) -> tuple[float, float]:
    """Milliseconds to import the handler, and to open the model with ONNX Runtime alone."""

    def fresh(work: str) -> float:
        done = subprocess.run(
            [sys.executable, "-c", TIMED.format(work=work)],
            cwd=folder,
            env=environment | {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        )
        return float(done.stdout)

    rounds = [(fresh("import answer_requests"), fresh(BARE)) for _ in range(repeat + 1)][1:]
    return median(mine for mine, _ in rounds), median(bare for _, bare in rounds)


def answers(
    folder: Path, environment: dict[str, str], artifact: Any, frame: Any, repeat: int
) -> dict[int, Calls]:
    """Calls of the handler and of bare `session.run`, by number of rows."""
    os.environ.update(environment)
    sys.path.insert(0, str(folder))
    for name in [
        name for name in sys.modules if name.split(".")[0] in ("answer_requests", "scorer")
    ]:
        del sys.modules[name]
    import answer_requests

    assert Path(answer_requests.__file__).is_relative_to(folder)
    features = frame.select(artifact.encoding.names).head(BATCH)
    rows = features.to_dicts()
    matrix = artifact.encoding.matrix(features)
    context = SimpleNamespace(aws_request_id="d5b6ab1a-0000-4000-8000-000000000000")
    session = answer_requests.model.session
    found = {}
    for count, calls in ((1, 2000), (BATCH, 40)):
        text, part = json.dumps({"rows": rows[:count]}), matrix[:count].copy()
        found[count] = by_turns(
            lambda: json.loads(text),  # noqa: B023
            lambda event: answer_requests.handler(event, context),
            lambda: session.run(["scores"], {"features": part}),  # noqa: B023
            calls * repeat,
        )
    return found


def by_turns(
    parse: Callable[[], Any],
    mine: Callable[[Any], object],
    bare: Callable[[], object],
    calls: int,
) -> Calls:
    """Call both in turn, again and again: other work on the machine affects both."""
    took = Calls([], [])
    for _ in range(calls):
        event = parse()  # as Lambda's runtime does just before it calls the handler
        began = time.perf_counter()
        mine(event)
        took.mine.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        bare()
        took.bare.append((time.perf_counter() - began) * 1000)
    return took


def undisturbed(times: list[float]) -> float:
    """The 10th percentile: other work on the machine hardly affects these calls."""
    return sorted(times)[len(times) // 10]


def main() -> None:
    """Print the table and what misses its target. The handler's lines are discarded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    out, missed = sys.stdout, []
    print("The scoring function against bare ONNX Runtime")
    for name, (artifact, frame) in models().items():
        with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere:
            environment = package(Path(folder), artifact, frame)
            started, bare = init(Path(folder), environment, repeat)
            sys.stdout = nowhere
            found = answers(Path(folder), environment, artifact, frame, repeat)
            sys.stdout = out
        about = f"{name} ({len(artifact.encoding.features)} features)"
        print(f"  {about}  init {started:.0f} ms, bare {bare:.0f} ms")
        if started > INIT_MS:
            missed.append(f"{name}: init {started:.0f} ms, at most {INIT_MS}")
        for count, calls in found.items():
            mine, ratio = median(calls.mine), calls.ratio
            rows = f"{count:,} row{'s' if count > 1 else ''}"
            print(
                f"  {about}  {rows}: median {mine:.3f} ms, bare {median(calls.bare):.3f} ms, "
                f"ratio {ratio:.2f}; undisturbed {undisturbed(calls.mine):.3f} ms, "
                f"bare {undisturbed(calls.bare):.3f} ms"
            )
            if count == 1 and mine > ONE_ROW_MS:
                missed.append(f"{name}: one row {mine:.3f} ms, at most {ONE_ROW_MS}")
            if count == BATCH and ratio > BATCH_RATIO:
                missed.append(f"{name}: {rows} ratio {ratio:.2f}, at most {BATCH_RATIO}")
    for line in missed:
        print(f"  missed: {line}")


if __name__ == "__main__":
    main()
