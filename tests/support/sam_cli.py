"""The SAM CLI, run as a user would, and what it is run on."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.translation import ROOT

SAM = ROOT / ".venv-sam" / "bin" / "sam"


def sam(*arguments: str, folder: Path, **environment: str) -> str:
    """What it said, having done it."""
    done = subprocess.run(
        [SAM, *arguments],
        cwd=folder,
        env=os.environ | {"SAM_CLI_TELEMETRY": "0"} | environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def copy_to(folder: Path) -> Path:
    """The part of a fresh checkout that it builds and deploys."""
    for name in ("template.yaml", "dashboard.yaml", "samconfig.toml"):
        shutil.copy(ROOT / name, folder)
    for name in ("statemachine", "functions", "serving"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    return folder
