"""What make would do, asked without doing it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]


def planned_for(*words: str) -> str:
    """The commands that make would run."""
    return subprocess.run(
        ["make", "-n", *words],
        cwd=REPOSITORY,
        # The tests run below make, whose variables would change what a second one prints.
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize(("stage", "needed"), [("dev", True), ("prod", True), ("local", False)])
def test_a_deployment_to_an_account_installs_the_sam_cli_first(stage: str, needed: bool) -> None:
    # As if the lock of the SAM CLI were new, so that an existing .venv-sam does not hide it.
    planned = planned_for("-W", "requirements/sam.txt", "deploy", f"STAGE={stage}")

    assert ("requirements/sam.txt" in planned) is needed
    assert f"kanmon deploy --stage {stage}" in planned.splitlines()[-1]


def test_one_command_runs_every_benchmark_that_the_page_names() -> None:
    script = re.compile(r"benchmarks/\w+\.py")
    page = (REPOSITORY / "docs" / "benchmarks.md").read_text()

    planned = planned_for("bench")

    assert set(script.findall(planned)) == set(script.findall(page))
    assert "benchmarks/preprocess.py --rows 1000000 10000000 " in planned


@pytest.mark.parametrize(("words", "approves"), [([], True), (["APPROVE=no"], False)])
def test_the_demo_approves_by_itself_unless_it_is_told_not_to(
    words: list[str], approves: bool
) -> None:
    planned = planned_for("run", *words)

    assert "kanmon review" not in planned  # the run has said what waits
    assert ("kanmon approve abalone" in planned) is approves
    assert ("kanmon score abalone" in planned) is approves


def test_github_and_the_script_for_continuous_integration_call_the_same_targets() -> None:
    script = re.findall(r"^ *make (test\S*)$", (REPOSITORY / ".ci/run").read_text(), re.MULTILINE)
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/ci.yml").read_text())

    assert workflow["jobs"]["make"]["strategy"]["matrix"]["target"] == script


def test_no_wheel_can_be_built() -> None:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert built.returncode == 1
    assert "there is no wheel of Kanmon" in built.stderr


def test_setup_trusts_the_certificates_of_the_system() -> None:
    """Behind a company's proxy that opens TLS, only these hold the proxy's own."""
    made = (REPOSITORY / "Makefile").read_text()
    planned = planned_for("--always-make", ".venv/bin/uv")

    assert 'PIP_CERT="${PIP_CERT:-$(python3 -c' in planned
    assert "get_default_verify_paths().cafile" in planned
    assert "\nexport UV_SYSTEM_CERTS ?= true\n" in made
