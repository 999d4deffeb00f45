"""A step leaves the same bytes wherever and whenever it runs; only usage.json differs.

Each step is a process of its own, once on one processor and once on all with sixteen threads, in
another folder and at another time of the day.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from contract.paths import Paths
from contract.usage import processors
from tests.support.training_cases import document, rows

FILES = {f"{number}.csv": rows("binary", count=4000, seed=number).write_csv() for number in (0, 1)}
SEARCH = {
    "trials": 6,
    "minutes": None,
    "batch": 4,
    "space": {"learning_rate": {"low": 0.05, "high": 0.5, "log": True}},
}
PARTS = ("train", "validation", "test", "report")
# The process may use so many processors, then becomes the step.
STEP = (
    "import os, runpy, sys; "
    "os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[2])]); "
    "runpy.run_module(sys.argv[1], run_name='__main__', alter_sys=True)"
)


class Object(BaseHTTPRequestHandler):
    """Answers as S3 does when an object is read."""

    def do_GET(self) -> None:
        content = FILES[self.path.partition("?")[0].rpartition("/")[2]].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *words: Any) -> None:
        """Say nothing."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Object)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def run(step: str, paths: Paths, endpoint: str, allowed: int) -> None:
    many = {"POLARS_MAX_THREADS": "16", "OMP_NUM_THREADS": "16"} if allowed > 1 else {}
    environment = {
        **os.environ,
        **many,
        "PROCESSING_ROOT": str(paths.root),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    command = [sys.executable, "-c", STEP, step, str(allowed)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def three_steps(folder: Path, endpoint: str, allowed: int) -> Paths:
    """A run without a champion, on so many processors."""
    paths = Paths(folder / "processing")
    objects = [
        {"key": key, "version_id": "null", "size": len(text.encode())}
        for key, text in FILES.items()
    ]
    write(paths.input("snapshot") / "s.json", {"bucket": "data", "objects": objects})
    plan = document("binary", rounds=20)
    plan["definition"]["content"]["search"] = SEARCH
    write(paths.run_plan, plan)
    run("preprocess", paths, endpoint, allowed)
    for part in PARTS:
        shutil.copytree(paths.output(part), paths.input(part))
    run("train", paths, endpoint, allowed)
    shutil.copytree(paths.output("model"), paths.input("model"))
    run("evaluate", paths, endpoint, allowed)
    return paths


def write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def left(paths: Paths) -> dict[str, bytes]:
    output = paths.root / "output"
    return {
        path.relative_to(output).as_posix(): path.read_bytes()
        for path in output.rglob("*")
        if path.is_file()
    }


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_a_run_leaves_the_same_bytes_on_one_thread_and_on_many(
    tmp_path: Path, endpoint: str
) -> None:
    first = left(three_steps(tmp_path / "first", endpoint, 1))
    second = left(three_steps(tmp_path / "elsewhere" / "second", endpoint, processors()))

    usage = {name for name in first if name.rpartition("/")[2] == "usage.json"}
    assert usage == {f"{folder}/usage.json" for folder in ("report", "model", "evaluation")}
    assert {
        "model/model.tar.gz",
        "model/trials.json",
        "evaluation/golden.json",
        "evaluation/scores.parquet",
        "report/preprocess.json",
    } < set(first)
    assert first.keys() == second.keys()
    assert [name for name in first if name not in usage and first[name] != second[name]] == []
    measured = json.loads(first["report/usage.json"])
    assert measured["processors"] == 1
    assert measured["seconds"] > 0
    assert measured["peak_memory_mb"] > 20
