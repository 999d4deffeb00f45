"""Training jobs of several hosts, each a process of this machine on the loopback."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

ROOT = Path(__file__).parents[2]
CHANNELS = ("train", "validation", "report")


@dataclass
class TrainingHost:
    """One host: its /opt/ml and its program."""

    ml: Path
    program: subprocess.Popen[str]

    def end(self, seconds: float = 60) -> int:
        """Its exit code."""
        return self.program.wait(seconds)

    @property
    def failure(self) -> str:
        path = self.ml / "output" / "failure"
        return path.read_text() if path.is_file() else ""

    def model(self) -> bytes:
        return (self.ml / "model" / "model.tar.gz").read_bytes()


def lay_out(folder: Path, plan: dict[str, Any], parts: dict[str, Sequence[pl.DataFrame]]) -> None:
    """Write the channels that all hosts have."""
    for channel in CHANNELS:
        (folder / channel).mkdir(parents=True, exist_ok=True)
    for channel, frames in parts.items():
        for number, frame in enumerate(frames):
            frame.write_parquet(folder / channel / f"part-000-{number:05d}.parquet")
    (folder / "run").mkdir()
    (folder / "run" / "run.json").write_text(json.dumps(plan))


def free_ports(count: int) -> list[int]:
    """Ports that are free, each with the one after it."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as one, socket.socket() as next_one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                next_one.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            if all(abs(port - other) > 1 for other in found):
                found.append(port)
    return found


def started(
    channels: Path, folder: Path, hosts: int, names: Sequence[str] = ()
) -> list[TrainingHost]:
    """Start a program for each host, or only for those of these names."""
    every = [f"algo-{number + 1}" for number in range(hosts)]
    addresses = dict(zip(every, (f"127.0.0.1:{port}" for port in free_ports(hosts)), strict=True))
    found = []
    for name in names or every:
        ml = folder / name
        (ml / "input" / "config").mkdir(parents=True)
        (ml / "input" / "data").symlink_to(channels)
        config = {"current_host": name, "hosts": every[::-1], "addresses": addresses}
        (ml / "input" / "config" / "resourceconfig.json").write_text(json.dumps(config))
        found.append(TrainingHost(ml, _program(ml)))
    return found


def _program(ml: Path) -> "subprocess.Popen[str]":
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "containers"),
        "PROCESSING_ROOT": str(ml / "processing"),
        "OMP_NUM_THREADS": "1",
    }
    ml.joinpath("model").mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "train", "train"],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def removed(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
