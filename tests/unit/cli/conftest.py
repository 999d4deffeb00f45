"""A small project on disk, and the command line called in it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kanmon.cli import main
from kanmon.project import Project

SAMCONFIG = """
version = 0.1
[local.global.parameters]
stack_name = "kanmon-local"
region = "us-east-1"
[local.deploy.parameters]
parameter_overrides = "Stage=local LogRetentionDays=1"
[dev.global.parameters]
stack_name = "kanmon-dev"
"""

MODEL = """
name: wine
task: regression
target: quality
features:
  - {name: acid, kind: numeric}
metrics: {primary: rmse}
"""

Kanmon = Callable[..., Result]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with one model and no stage running; the current folder."""
    root = tmp_path / "project"
    (root / "models/wine").mkdir(parents=True)
    (root / "kanmon").mkdir()
    (root / "template.yaml").write_text("Resources: {}\n")
    (root / "samconfig.toml").write_text(SAMCONFIG)
    (root / "models/wine/model.yaml").write_text(MODEL)
    monkeypatch.chdir(root)
    for name in ("KANMON_PROJECT", "KANMON_HOME", "KANMON_STAGE", "KANMON_DEBUG", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return Project(root)


@pytest.fixture
def kanmon(project: Project) -> Kanmon:
    """Call the command line as a shell would."""

    def call(*words: str) -> Result:
        return CliRunner().invoke(main, list(words), prog_name="kanmon")

    return call
