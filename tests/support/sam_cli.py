"""The SAM CLI, run as a user would, and what it is run on."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.support.translation import ROOT

SAM = ROOT / ".venv-sam" / "bin" / "sam"


def bare_path() -> str:
    """PATH as make has it where no environment is active: without the folders that have uv."""
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(one for one in folders if not (Path(one) / "uv").exists())


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
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copy(ROOT / name, folder)
    for name in ("stacks", "statemachine", "functions", "serving"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    return folder


def python_3_13() -> Path:
    """The folder of a Python 3.13 that pyenv keeps, else the SAM CLI's own, which has none."""
    kept = sorted(Path.home().glob(".pyenv/versions/3.13*/bin"))
    return kept[-1] if kept else SAM.parent


def invoke_scoring(folder: Path, parameters: list[str], event: Any) -> tuple[Any, str]:
    """Invoke the scoring function of the folder's template in a container; its answer and log."""
    (folder / "event.json").write_text(json.dumps(event))
    done = subprocess.run(
        [
            *(SAM, "local", "invoke", "ScoringFunction", "--skip-pull-image"),
            *("--event", "event.json", "--parameter-overrides", *parameters),
        ],
        cwd=folder,
        env=os.environ | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1]), done.stderr + done.stdout
