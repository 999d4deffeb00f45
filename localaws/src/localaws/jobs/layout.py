"""The folders and files SageMaker Processing promises a container, for one host of a job."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = "/opt/ml"
PROCESSING = "/opt/ml/processing"
MESSAGE_CHARACTERS = 1024
# What processingjobconfig.json repeats of the request, in AWS's order.
CONFIGURED = (
    "ProcessingJobArn",
    "ProcessingJobName",
    "AppSpecification",
    "Environment",
    "ExperimentConfig",
    "NetworkConfig",
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "RoleArn",
    "StoppingCondition",
)


@dataclass(frozen=True)
class Host:
    """One instance of a job's cluster and its own private folders."""

    folder: Path
    index: int
    count: int

    @property
    def name(self) -> str:
        return f"algo-{self.index + 1}"

    @property
    def ml(self) -> Path:
        """What the container sees as /opt/ml."""
        return self.folder / self.name / "ml"

    @property
    def log(self) -> Path:
        return self.folder / self.name / "log"

    @property
    def scratch(self) -> Path:
        return self.folder / self.name / "tmp"

    def here(self, path: str) -> Path:
        """Where a path of the container lies on this machine."""
        return self.ml / Path(path).relative_to(ROOT)

    def prepare(
        self, job: Mapping[str, Any], inputs: Sequence[str], outputs: Sequence[str]
    ) -> None:
        """Make the folders and write the two configuration files."""
        for path in (*inputs, *outputs, PROCESSING, f"{ROOT}/config", f"{ROOT}/output"):
            self.here(path).mkdir(parents=True, exist_ok=True)
        self.scratch.mkdir(exist_ok=True)
        names = [f"algo-{number + 1}" for number in range(self.count)]
        config = self.here(f"{ROOT}/config")
        write(config / "resourceconfig.json", {"current_host": self.name, "hosts": names})
        write(
            config / "processingjobconfig.json",
            {name: job[name] for name in CONFIGURED if name in job},
        )

    def message(self) -> str | None:
        """What the container left as its last word, cut as SageMaker cuts it."""
        try:
            text = self.here(f"{ROOT}/output/message").read_text(errors="replace").strip()
        except OSError:
            return None
        return text[:MESSAGE_CHARACTERS] or None


def write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
