"""The local stage that the pictures of the documents are taken from: abalone, in service."""

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PICTURES = PROJECT / "docs" / "pictures"
KANMON = PROJECT / ".venv/bin/kanmon"
DATA = PROJECT / "datasets/abalone/abalone.csv"

CANARY_SECONDS = 60  # long enough to be seen; five minutes on AWS
SECONDS_PER_SECOND = 300 / CANARY_SECONDS
REJECTED = 4  # the exit code of a run whose candidate the gate rejected


class Stage:
    """A local stage in a folder of its own, reached through the command line."""

    def __init__(self, home: Path) -> None:
        self.environment = {
            **os.environ,
            "KANMON_HOME": str(home),
            "KANMON_PROJECT": str(PROJECT),
            "KANMON_TIME_SCALE": f"{SECONDS_PER_SECOND:g}",
        }

    def kanmon(self, *words: str, rejected: bool = False) -> dict:
        """Run a command; its JSON. A run may be `rejected` by the gate, where that is expected."""
        done = subprocess.run(
            [KANMON, *words, "--json"],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode and not (rejected and done.returncode == REJECTED):
            raise SystemExit(f"kanmon {' '.join(words)} ended with {done.returncode}")
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def console(self) -> Iterator[str]:
        """The operator's console; its address with its key."""
        console = subprocess.Popen(
            [KANMON, "console", "--as", "operator", "--json"],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            # It runs on after its JSON, which ends with the line that closes it.
            lines = list(iter(console.stdout.readline, "}\n"))
            yield json.loads("".join(lines) + "}")["address"]
        finally:
            console.terminate()
            console.wait(10)


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """A stage with abalone's first release in service."""
    with tempfile.TemporaryDirectory(prefix="kanmon-pictures-") as home:
        made = Stage(Path(home))
        try:
            made.kanmon("up")
            made.kanmon("deploy")
            made.kanmon("put-data", "abalone", str(DATA))
            made.kanmon("run", "abalone")
            made.kanmon("approve", "abalone", "--reason", "the first release", "--watch")
            yield made
        finally:
            made.kanmon("down", "--erase")
