"""The folders and files SageMaker promises a container, for one host of a job."""

import json
from dataclasses import dataclass
from pathlib import Path

from localaws.jobs.work import PROCESSING, ROOT, Form, Work

MESSAGE_CHARACTERS = 1024


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

    def prepare(self, work: Work) -> None:
        """Make the folders and write the configuration files."""
        paths = [place["LocalPath"] for place in (*work.inputs, *work.outputs)]
        for path in (*paths, PROCESSING, work.form.config, f"{ROOT}/output"):
            self.here(path).mkdir(parents=True, exist_ok=True)
        self.scratch.mkdir(exist_ok=True)
        names = [f"algo-{number + 1}" for number in range(self.count)]
        resources = {"current_host": self.name, "hosts": names, **work.resources}
        for name, content in {"resourceconfig.json": resources, **work.files}.items():
            write(self.here(work.form.config) / name, content)

    def message(self, form: Form) -> str | None:
        """What the container left as its last word, cut as SageMaker cuts it."""
        try:
            text = self.here(form.message).read_text(errors="replace").strip()
        except OSError:
            return None
        return text[:MESSAGE_CHARACTERS] or None


def write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
