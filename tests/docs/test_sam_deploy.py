"""The SAM CLI, unmodified, deploys to a running local stage as it does to an account."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from kanmon.cli import main
from localaws import stage as local_stage
from localaws import steps
from localaws.jobs.images import digest
from localaws.stage import Stage
from tests.support.sam_cli import copy_to, sam
from tests.support.stage import client_of
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
PUBLISH = "kanmon publish --stage local"
CODE = steps.read(ROOT / "containers")
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:kanmon-local-retrain"

# On one worker: they share what they build.
pytestmark = [pytest.mark.docs, pytest.mark.xdist_group("sam_deploy")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stage keeps its state."""
    return tmp_path_factory.mktemp("sam") / ".kanmon"


@pytest.fixture(scope="module")
def own_stage(home: Path) -> Iterator[Stage]:
    """A stage with nothing on it; what is deployed here is nobody else's."""
    yield local_stage.up(home, steps=CODE.folder)
    local_stage.down(home)


def local_sam(*arguments: str, folder: Path, stage: Stage) -> str:
    """What the SAM CLI said, having done it on the stage."""
    return sam(
        *(*arguments, "--config-env", "local"),
        folder=folder,
        AWS_ENDPOINT_URL=stage.endpoint,
        AWS_ACCESS_KEY_ID=stage.access_key,
        AWS_SECRET_ACCESS_KEY=stage.secret_key,
        PATH=f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",  # for uv
        SAM_CLI_POLL_DELAY="0.5",
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, own_stage: Stage) -> Path:
    """A fresh checkout, built and deployed."""
    folder = copy_to(tmp_path_factory.mktemp("checkout"))
    config = folder / "samconfig.toml"
    config.write_text(
        config.read_text().replace('"Stage=local ', '"Stage=local GatherModels=crm,sea-shells ')
    )
    local_sam("build", folder=folder, stage=own_stage)
    said = local_sam("deploy", folder=folder, stage=own_stage)
    assert "Successfully created/updated stack - kanmon-local" in said
    assert PUBLISH in said  # the stack's output NextStep
    return folder


def test_deploying_the_same_again_changes_nothing(checkout: Path, own_stage: Stage) -> None:
    said = local_sam("deploy", folder=checkout, stage=own_stage)

    assert "is up to date" in said


def test_each_model_that_may_gather_has_a_role_of_its_own(checkout: Path, own_stage: Stage) -> None:
    roles = client_of(own_stage, "iam").list_roles()["Roles"]
    names = sorted(role["RoleName"] for role in roles if "-gather-" in role["RoleName"])

    assert names == ["kanmon-local-gather-crm", "kanmon-local-gather-sea-shells"]


def test_what_sam_deployed_runs(checkout: Path, own_stage: Stage) -> None:
    states = client_of(own_stage, "stepfunctions")
    execution = states.start_execution(
        stateMachineArn=MACHINE,
        name="abalone-261121055501-x7k",
        input=json.dumps({"model": "abalone"}),
    )["executionArn"]

    eventually(lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
    ended = states.describe_execution(executionArn=execution)

    # Nobody published a definition: the functions, the table and the roles work, and say so.
    assert (ended["status"], ended["error"]) == ("FAILED", "UnknownModelError")
    assert ended["cause"] == (
        "model abalone: stage local has no definition of it; check the name, or publish "
        f"models/abalone with `{PUBLISH}`"
    )


def test_the_printed_command_publishes_what_the_run_missed(checkout: Path, home: Path) -> None:
    there = {"KANMON_HOME": str(home), "KANMON_PROJECT": str(ROOT)}
    said = CliRunner(env=there).invoke(main, PUBLISH.split()[1:], prog_name="kanmon")

    assert (said.exit_code, said.stdout) == (
        0,
        "Published the definition of abalone, churn, segments\n",
    )


def test_the_repository_has_the_working_trees_steps(checkout: Path, own_stage: Stage) -> None:
    images = client_of(own_stage, "ecr").describe_images(
        repositoryName="kanmon-local-steps", imageIds=[{"imageTag": step} for step in CODE.steps]
    )["imageDetails"]

    assert {image["imageTags"][0]: image["imageDigest"] for image in images} == {
        step: f"sha256:{digest(step, CODE)}" for step in CODE.steps
    }


def test_a_change_updates_the_stack_and_uninstalling_removes_it_with_what_sam_uploaded(
    checkout: Path, own_stage: Stage, home: Path
) -> None:
    overrides = ("--parameter-overrides", "Stage=local LogRetentionDays=3")
    local_sam("deploy", *overrides, folder=checkout, stage=own_stage)

    groups = client_of(own_stage, "logs").describe_log_groups(
        logGroupNamePrefix="/aws/vendedlogs/states/kanmon-local-retrain"
    )["logGroups"]
    assert [group["retentionInDays"] for group in groups] == [3]

    cloudformation = client_of(own_stage, "cloudformation")
    sams = cloudformation.describe_stacks(StackName="aws-sam-cli-managed-default")["Stacks"][0]
    [bucket] = [one["OutputValue"] for one in sams["Outputs"] if one["OutputKey"] == "SourceBucket"]
    there = {"KANMON_HOME": str(home), "KANMON_PROJECT": str(ROOT)}
    s3 = client_of(own_stage, "s3")
    uploaded = s3.list_objects_v2(Bucket=bucket)["Contents"]
    words = ["uninstall", "--with-data", "--yes"]

    done = CliRunner(env=there).invoke(main, words, prog_name="kanmon")

    assert done.exit_code == 0, done.output
    assert all(one["Key"].startswith("kanmon-local/") for one in uploaded)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)  # the bucket is every application's
    with pytest.raises(cloudformation.exceptions.ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName="kanmon-local")
