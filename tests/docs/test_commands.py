"""Every command in the documents works as it stands there.

The ```sh blocks of a document are run in order, in one shell, in a fresh copy of the project. Where
a command names an AWS stage, the SDKs' own endpoint variable points it at the local stage, so the
same `sam build` and `sam deploy` run that a reader would run.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")])

# What a document says and this test must not run, and why.
ELSEWHERE = {
    "git clone": "the copy stands for the clone",
    "cd kanmon": "the copy stands for the clone",
    "make setup": "continuous integration starts with it",
    "make test": "this test is part of it",
    "make test-docker": "needs a Docker engine; continuous integration runs it where there is one",
    "make check": "make test begins with it",
    "make bench": "takes minutes; its figures are quoted with the machine they came from",
    "make images": "needs a Docker engine and a registry",
    "kanmon --stage prod": "prod asks a person to confirm",
}


def blocks(document: Path) -> list[str]:
    """The shell blocks of a document, without the commands that are run elsewhere."""
    found = re.findall(r"^```sh\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)
    return [
        "".join(
            line
            for line in block.splitlines(keepends=True)
            if not any(re.match(rf"{re.escape(start)}(\s|$)", line) for start in ELSEWHERE)
        )
        for block in found
    ]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A copy of what git tracks, as it is in the work tree, with the environments already made."""
    copy = tmp_path / "kanmon"
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, tracked.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    for made in (".venv", ".venv-sam"):
        if (ROOT / made).exists():
            (copy / made).symlink_to(ROOT / made)
    subprocess.run(["git", "init", "-q"], cwd=copy, check=True)
    yield copy
    shell("kanmon down --erase", copy, check=False)


def shell(script: str, project: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {
        "HOME": str(project.parent),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "PATH": f"{project}/.venv/bin:{project}/.venv-sam/bin:{os.environ['PATH']}",
        "SAM_CLI_TELEMETRY": "0",
        **{name: os.environ[name] for name in os.environ if name.startswith(("UV_", "PIP_"))},
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert not check or done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_commands_of_a_document_work_in_order(document: Path, project: Path) -> None:
    script = "\n".join(blocks(document))

    if script.strip():
        shell(script, project)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_files_a_document_points_to_exist(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())

    missing = [target for target in targets if not (document.parent / target).exists()]

    assert missing == []
