"""The whole platform on a local stage, driven by the command line as a user would drive it."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from click.testing import CliRunner

from kanmon.cli import main
from localaws import stage
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
# It keeps what it has read of the services' descriptions.
SESSION = boto3.session.Session()
LINKED = (
    "kanmon",
    "functions",
    "containers",
    "serving",
    "stacks",
    "statemachine",
    "template.yaml",
    "samconfig.toml",
)

# Small enough that a run takes as long as its three processes need to start.
TINY = """
name: {name}
task: regression
target: y
features:
  - {{name: a, kind: numeric}}
  - {{name: b, kind: categorical}}
trainer:
  rounds: 30
  early_stopping_rounds: 10
  parameters: {{min_data_in_leaf: 5, num_leaves: 7}}
metrics: {{primary: rmse, also: [mae]}}
gate: {{floors: {{rmse: {floor}}}, margins: {{rmse: 0.5}}}}
segments: [b]
releases: {{supersede: false}}  # these tests decide about the release of any run
"""
# Its steps are jobs: they have the states that are named after them.
ON_JOBS = TINY + "compute: {{preprocess: processing, train: processing, evaluate: processing}}\n"
# Trains for longer than a command line takes to start; as a job, which a stopped run ends.
LONG_TRAINING = ON_JOBS.replace("rounds: 30", "rounds: 50000").replace(
    "rounds: 10", "rounds: 50000"
)


@dataclass
class Said:
    """What one call of the command line answered."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


def answered(said: Said) -> Any:
    """What a call that went well said."""
    assert said.code == 0, said
    return said.document


@dataclass
class Laptop:
    """A project on a laptop: its folder, its local stage, its command line."""

    root: Path
    # How many seconds of AWS pass in one second here, where the stage's own pace does not fit.
    pace: float | None = None
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.root / ".kanmon"

    @property
    def environment(self) -> dict[str, str]:
        pace = {"KANMON_TIME_SCALE": f"{self.pace:g}"} if self.pace else {}
        return {"KANMON_HOME": str(self.home), "KANMON_PROJECT": str(self.root), **pace}

    def kanmon(self, *words: str) -> Said:
        """The command line, in this process: starting one takes longer than most verbs do."""
        runner = CliRunner(env={**self.environment, "COLUMNS": "200"})
        done = runner.invoke(main, list(words), prog_name="kanmon")
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Said(done.exit_code, done.stdout, done.stderr)

    def shell(self, *words: str) -> Said:
        """The command line as a shell starts it."""
        done = subprocess.run(
            [sys.executable, "-m", "kanmon", *words],
            cwd=self.root,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def must(self, *words: str) -> Any:
        return answered(self.kanmon(*words, "--json"))

    def client(self, service: str) -> Any:
        """A client of the stage as it runs now, made once: that takes longer than most calls."""
        running = json.loads((self.home / "stage.json").read_text())
        key = (service, running["endpoint"])
        if key not in self._clients:
            self._clients[key] = SESSION.client(
                service,
                region_name=running["region"],
                endpoint_url=running["endpoint"],
                aws_access_key_id=running["access_key"],
                aws_secret_access_key=running["secret_key"],
            )
        return self._clients[key]

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The platform's outputs, which no later deployment of a test changes."""
        stack = self.client("cloudformation").describe_stacks(StackName="kanmon-local")
        return {item["OutputKey"]: item["OutputValue"] for item in stack["Stacks"][0]["Outputs"]}

    def add_model(self, name: str, text: str | None = None, floor: float = 5.0) -> None:
        folder = self.root / "models" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.yaml").write_text(text or TINY.format(name=name, floor=floor))

    def put(self, model: str, content: str | bytes, name: str = "data.csv") -> Said:
        """Give the model this file, and no other, as its data."""
        folder = self.root / "data" / model
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.kanmon("put-data", model, str(folder / name))

    def put_object(self, model: str, content: str, name: str = "data.csv") -> None:
        """The same without the command line, where its checks are not the matter."""
        self.client("s3").put_object(
            Bucket=self.outputs["DataBucketName"],
            Key=f"datasets/{model}/{name}",
            Body=content.encode(),
        )

    def objects(self, prefix: str) -> dict[str, bytes]:
        """The data bucket's objects below a prefix, by what follows it."""
        s3, bucket = self.client("s3"), self.outputs["DataBucketName"]
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        return {
            key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            for key in keys
        }

    def packages(self, model: str) -> list[Any]:
        sagemaker = self.client("sagemaker")
        found = sagemaker.list_model_packages(
            ModelPackageGroupName=f"kanmon-local-{model}", SortOrder="Descending"
        )
        return list(found["ModelPackageSummaryList"])

    def retrain_lock(self, model: str) -> dict[str, Any]:
        """The model's retrain lock as it is in the table: its holder and its queue."""
        item = self.client("dynamodb").get_item(
            TableName=self.outputs["ModelTableName"],
            Key={"model": {"S": model}, "item": {"S": "retrain-lock"}},
        )
        found: dict[str, Any] = item.get("Item", {})
        return found

    def ended(self, execution: str) -> dict[str, Any]:
        """The execution as it is described after its end."""
        states = self.client("stepfunctions")

        def over() -> dict[str, Any] | None:
            description: dict[str, Any] = states.describe_execution(executionArn=execution)
            return None if description["status"] == "RUNNING" else description

        found: dict[str, Any] = eventually(over, pause_seconds=0.1)
        return found

    def states_of(self, execution: str) -> list[str]:
        """The states that the execution has entered, in order."""
        history = self.client("stepfunctions").get_execution_history(
            executionArn=execution, maxResults=1000
        )
        entries = (event.get("stateEnteredEventDetails") for event in history["events"])
        return [entry["name"] for entry in entries if entry]

    def entered(self, execution: str, state: str, pause_seconds: float = 0.02) -> None:
        """Wait until the execution has entered a state (or is past it)."""
        eventually(lambda: state in self.states_of(execution), pause_seconds)

    def kill(self) -> None:
        """Kill the stage's process, and start it again."""
        os.kill(json.loads((self.home / "stage.json").read_text())["pid"], signal.SIGKILL)
        eventually(lambda: stage.status(self.home) is None)
        self.must("up")

    def holds(self, model: str, run: str) -> None:
        """Wait until the run has taken the model's lock."""
        eventually(lambda: self.retrain_lock(model).get("holder") == {"S": run})

    def settle(self, model: str) -> None:
        """Wait until no run holds the model's lock."""
        eventually(lambda: "holder" not in self.retrain_lock(model))


@contextmanager
def deployed(
    root: Path, *up: str, pace: float | None = None, parameters: str | None = None
) -> Iterator[Laptop]:
    """A project in `root` with the platform deployed on its local stage, gone afterwards.

    `parameters` are the stack's instead of those of the stage local.
    """
    for name in LINKED:
        (root / name).symlink_to(ROOT / name)
    if parameters is not None:
        (root / "samconfig.toml").unlink()
        (root / "samconfig.toml").write_text(
            f'[local.deploy.parameters]\nparameter_overrides = "{parameters}"\n'
        )
    (root / "models").mkdir()
    laptop = Laptop(root, pace)
    laptop.must("up", *up)
    try:
        laptop.must("deploy")
        yield laptop
    finally:
        laptop.kanmon("down", "--erase")


def rows(count: int = 400, seed: int = 1, noise: float = 0.3) -> str:
    """A table on which a tree learns `y` from `a` and `b` at once."""
    random_source = random.Random(seed)  # noqa: S311 - data, not secrets
    lines = ["a,b,y"]
    for _ in range(count):
        a, b = random_source.uniform(0, 10), random_source.choice("uvw")
        y = a + {"u": 0, "v": 3, "w": 6}[b] + random_source.gauss(0, noise)
        lines.append(f"{a:.4f},{b},{y:.4f}")
    return "\n".join(lines) + "\n"
