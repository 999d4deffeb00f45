"""What make would do, asked without doing it."""

import os
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("stage", "needed"), [("dev", True), ("prod", True), ("local", False)])
def test_a_deployment_to_an_account_installs_the_sam_cli_first(stage: str, needed: bool) -> None:
    planned = subprocess.run(
        # As if the lock of the SAM CLI were new, so that an existing .venv-sam does not hide it.
        ["make", "-n", "-W", "requirements/sam.txt", "deploy", f"STAGE={stage}"],
        cwd=REPOSITORY,
        # This test itself runs below make, whose variables would change what a second one prints.
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert ("requirements/sam.txt" in planned) is needed
    assert f"kanmon deploy --stage {stage}" in planned.splitlines()[-1]


@pytest.mark.parametrize(("words", "approves"), [([], True), (["APPROVE=no"], False)])
def test_the_demo_approves_by_itself_unless_it_is_told_not_to(
    words: list[str], approves: bool
) -> None:
    planned = subprocess.run(
        ["make", "-n", "run", *words],
        cwd=REPOSITORY,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "kanmon review abalone" in planned
    assert ("kanmon approve abalone" in planned) is approves
    assert ("kanmon score abalone" in planned) is approves
