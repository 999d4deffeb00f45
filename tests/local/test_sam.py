"""The SAM CLI deploys the project's own template to the local stage, with nothing special."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kanmon.local.stage import Stage
from tests.local.making import Client

ROOT = Path(__file__).parents[2]
SAM = ROOT / ".venv-sam/bin/sam"
STACK = "kanmon-sam"
OPTIONS = (
    *("--stack-name", STACK, "--template-file", "template.yaml"),
    *("--resolve-s3", "--s3-prefix", STACK, "--capabilities", "CAPABILITY_IAM"),
    *("--no-confirm-changeset", "--no-fail-on-empty-changeset", "--region", "us-east-1"),
)

pytestmark = pytest.mark.skipif(
    not SAM.exists(), reason="the SAM CLI is not installed: make .venv-sam/ready"
)


def sam(stage: Stage, folder: Path, *words: str) -> str:
    """Run the SAM CLI as anybody would, but for the endpoint; return what it said."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "SAM_CLI_TELEMETRY": "0",
        "AWS_ENDPOINT_URL": stage.endpoint,
        "AWS_ACCESS_KEY_ID": stage.access_key,
        "AWS_SECRET_ACCESS_KEY": stage.secret_key,
    }
    done = subprocess.run(
        [SAM, *words], env=environment, cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def deploy(stage: Stage, folder: Path, days: int) -> str:
    parameters = f"Stage=local LogRetentionDays={days}"
    return sam(stage, folder, "deploy", *OPTIONS, "--parameter-overrides", parameters)


def resources(client: Client) -> dict[str, Any]:
    found = client("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
    return {one["LogicalResourceId"]: one for one in found}


def test_sam_creates_updates_and_deletes_the_stack(
    stage: Stage, client: Client, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "template.yaml", tmp_path)
    for part in ("functions/control", "statemachine"):
        without_bytecode = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, tmp_path / part, ignore=without_bytecode)

    assert "Successfully created/updated" in deploy(stage, tmp_path, days=1)
    made = resources(client)
    assert {one["ResourceStatus"] for one in made.values()} == {"CREATE_COMPLETE"}
    group = made["RetrainLogGroup"]["PhysicalResourceId"]
    assert retention(client, group) == 1
    check_images(client)

    assert "No changes to deploy" in deploy(stage, tmp_path, days=1)

    deploy(stage, tmp_path, days=3)
    assert retention(client, group) == 3

    sam(stage, tmp_path, "delete", "--stack-name", STACK, "--no-prompts", "--region", "us-east-1")
    with pytest.raises(client("cloudformation").exceptions.ClientError, match="does not exist"):
        client("cloudformation").describe_stacks(StackName=STACK)


def retention(client: Client, group: str) -> int:
    found = client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    return int(found[0]["retentionInDays"])


def check_images(client: Client) -> None:
    """The steps' images are answered from the working tree."""
    from kanmon.local.jobs.images import STEPS, digest

    images = client("ecr").describe_images(
        repositoryName=f"{STACK}-steps", imageIds=[{"imageTag": step} for step in STEPS]
    )["imageDetails"]
    assert {image["imageTags"][0]: image["imageDigest"] for image in images} == {
        step: f"sha256:{digest(step)}" for step in STEPS
    }
