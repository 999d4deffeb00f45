"""Where a step reads its inputs and writes its outputs.

SageMaker Processing mounts everything under /opt/ml/processing. PROCESSING_ROOT moves that base, so
the same code runs in a temporary folder, in a test or on a laptop.
"""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

PLATFORM_ROOT = Path("/opt/ml/processing")


@dataclass(frozen=True)
class Paths:
    """The folders of one job."""

    root: Path
    # The folders that the step works in besides, while it does.
    scratch: list[Path] = field(default_factory=list, compare=False)

    @classmethod
    def from_environment(cls) -> "Paths":
        """Take the base folder from PROCESSING_ROOT, or else where SageMaker mounts it."""
        return cls(Path(os.environ.get("PROCESSING_ROOT") or PLATFORM_ROOT))

    @property
    def run_plan(self) -> Path:
        """The run plan that Open Run wrote."""
        return self.input("run") / "run.json"

    @property
    def message(self) -> Path:
        """SageMaker shows this file's text as the job's ExitMessage."""
        return self.root.parent / "output" / "message"

    @property
    def resources(self) -> Path:
        """SageMaker writes here this host's name and the names of all hosts of the job."""
        return self.root.parent / "config" / "resourceconfig.json"

    @property
    def written(self) -> list[Path]:
        """The folders that the step writes to, as far as the platform has mounted them."""
        output = self.root / "output"
        mounted = [path for path in output.glob("*") if path.is_dir()]
        return [output, self.message.parent, *mounted]

    def input(self, name: str) -> Path:
        """The folder an input is mounted on."""
        return self.root / "input" / name

    def output(self, name: str) -> Path:
        """The folder an output is uploaded from; created if missing."""
        folder = self.root / "output" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def host(self) -> tuple[int, int]:
        """This host's index and the number of hosts; (0, 1) without a resource configuration."""
        if not self.resources.is_file():
            return 0, 1
        config = json.loads(self.resources.read_text(encoding="utf-8"))
        hosts = sorted(config["hosts"])
        return hosts.index(config["current_host"]), len(hosts)

    def roomy_folder(self) -> Path:
        """Where there is most room for the data, wherever the job's own volume is mounted."""
        folders = (self.root, self.root / "output", Path(tempfile.gettempdir()))
        writable = [folder for folder in folders if os.access(folder, os.W_OK)]
        return max(writable, key=lambda folder: shutil.disk_usage(folder).free)

    def scratch_folder(self, step: str) -> Path:
        """A new folder to work in, where there is most room; the step removes it."""
        made = Path(tempfile.mkdtemp(prefix=f"{step}-", dir=self.roomy_folder()))
        self.scratch.append(made)
        return made


class TrainingPaths(Paths):
    """The folders of a Training job, whose inputs are channels. `root` is /opt/ml.

    SageMaker shows the file of `message` as the job's FailureReason.
    """

    @classmethod
    def from_environment(cls) -> "TrainingPaths":
        """Where SageMaker mounts a Training job, or beside PROCESSING_ROOT."""
        return cls(Paths.from_environment().root.parent)

    @property
    def message(self) -> Path:
        return self.root / "output" / "failure"

    @property
    def resources(self) -> Path:
        return self.root / "input" / "config" / "resourceconfig.json"

    @property
    def written(self) -> list[Path]:
        return [self.root / "output", self.root / "model"]

    def input(self, name: str) -> Path:
        return self.root / "input" / "data" / name

    def output(self, name: str) -> Path:
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder
