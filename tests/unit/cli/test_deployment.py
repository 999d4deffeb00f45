"""Deploying to an account calls SAM and docker; checking one compares quotas."""

import base64
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from kanmon.deployment import account_checks, platform, publishing
from kanmon.deployment.machine_checks import Check
from kanmon.errors import BadInputError, RunFailedError
from kanmon.terminal.screen import Screen


@pytest.fixture
def sam(project):
    """A stand-in for the SAM CLI that notes how it was called."""
    path = project.root / ".venv-sam/bin/sam"
    path.parent.mkdir(parents=True)
    path.write_text('#!/bin/sh\necho "$@" >> calls.txt\ntest "$3" != prod\n')
    path.chmod(0o755)
    return path


def test_an_account_is_built_and_deployed_with_sam(project, sam):
    platform.run_sam(project, "dev")

    assert (project.root / "calls.txt").read_text() == (
        "build --config-env dev\ndeploy --config-env dev --no-fail-on-empty-changeset\n"
    )


def test_sam_finds_uv_although_the_environment_is_not_active(project, sam, monkeypatch):
    # As make calls .venv/bin/kanmon: with the system's PATH alone.
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert shutil.which("uv") is None
    sam.write_text("#!/bin/sh\ncommand -v uv >> calls.txt\n")

    platform.run_sam(project, "dev")

    own = str(Path(sys.executable).with_name("uv"))
    assert (project.root / "calls.txt").read_text().splitlines() == [own, own]
    assert Check("ok", "uv", own, "`make setup` brings it.") in account_checks.programs(
        project, "dev"
    )


def test_when_sam_fails_the_deployment_ends_there(project, sam):
    with pytest.raises(RunFailedError, match="sam build failed with exit code 1"):
        platform.run_sam(project, "prod")


def test_without_sam_it_says_how_to_get_it(project, monkeypatch):
    monkeypatch.setenv("PATH", "")

    with pytest.raises(BadInputError) as refused:
        platform.find_sam(project)

    assert refused.value.fix == "`make .venv-sam/ready` installs it."


def test_each_step_image_is_built_for_sagemaker_and_pushed_under_its_tag():
    commands = publishing.image_commands("repository")

    assert [words[-1] for words in commands[1::2]] == [
        "repository:preprocess",
        "repository:train",
        "repository:evaluate",
    ]
    assert commands[0][:7] == [
        "docker",
        "build",
        "--platform",
        "linux/amd64",
        "--provenance=false",
        "--build-arg",
        "STEP_USER=0:0",
    ]


@pytest.fixture
def account(project):
    """A deployed stage in an account; no model is there to be published."""
    shutil.rmtree(project.root / "models")
    token = {"authorizationToken": base64.b64encode(b"AWS:secret").decode()}
    ecr = SimpleNamespace(get_authorization_token=lambda: {"authorizationData": [token]})
    return SimpleNamespace(
        name="dev",
        outputs={"StepsRepositoryUri": "registry/kanmon-dev-steps"},
        client=lambda service: ecr,
    )


def test_publishing_signs_in_then_builds_and_pushes_each_image(
    project, account, monkeypatch, capfd
):
    docker = project.root / "bin/docker"
    docker.parent.mkdir()
    docker.write_text('#!/bin/sh\necho "$1 $2" >> calls.txt\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(docker.parent), prepend=":")

    published = publishing.publish(account, project, Screen(False), with_images=True)

    assert published.images == ["preprocess", "train", "evaluate"]
    assert (project.root / "calls.txt").read_text().splitlines() == [
        "login --username",
        *["build --platform", "push --quiet"] * 3,
    ]
    shown = capfd.readouterr()
    assert shown.out == "Pushed the images of preprocess, train, evaluate\n"
    assert shown.err.count("docker build") == 3


def test_without_docker_publishing_says_where_to_run_it_and_how_to_do_without(
    project, account, monkeypatch
):
    monkeypatch.setenv("PATH", "")

    with pytest.raises(BadInputError) as refused:
        publishing.publish(account, project, Screen(False), with_images=True)

    assert refused.value.line() == (
        "docker is not installed, and the step images are built with it. Run `kanmon publish "
        "--stage dev` where it is, or leave the images as they are with --no-images."
    )
    assert publishing.publish(account, project, Screen(False), with_images=False).images == []


@pytest.mark.parametrize(
    ("limits", "outcome"),
    [
        ({"ml.m5.large for processing job usage": 4.0}, "ok"),
        ({"ml.m5.large for processing job usage": 1.0}, "fail"),
        ({}, "warn"),  # the quota's name is not there to be read
    ],
)
def test_quotas_are_compared_with_what_the_models_ask_for(limits, outcome):
    assert account_checks.quota_check("ml.m5.large", 2, limits).outcome == outcome


def test_the_instance_types_of_all_models_are_asked_for(project):
    path = project.root / "models/wine/model.yaml"
    path.write_text(path.read_text() + "resources:\n  preprocess: {instance_count: 3}\n")

    assert account_checks.instance_types(project) == {"ml.m5.large": 3}


@pytest.mark.parametrize(
    ("stack", "outcome"), [("kanmon-dev", "ok"), ("kanmon-development", "fail")]
)
def test_a_stack_name_must_leave_room_for_job_names(project, stack, outcome):
    path = project.root / "samconfig.toml"
    path.write_text(path.read_text().replace("kanmon-dev", stack))

    (check,) = account_checks.settings(project, "dev")

    assert check == Check(outcome, "stack name", stack, check.fix)


def test_the_doctor_of_an_account_without_credentials_fails_aloud(kanmon, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    result = kanmon("doctor", "--stage", "dev")

    assert result.exit_code == 1
    assert "ok    region       eu-central-1" in result.stdout
    assert "fail  credentials  there are no AWS credentials." in result.stdout


@pytest.mark.parametrize(
    ("limit", "unreserved", "outcome"),
    [
        (1000, 1000, "ok"),
        (1000, 115, "warn"),  # enough in all, but something else has reserved it
        (110, 110, "fail"),
        (10, 10, "fail"),  # what new accounts often have
    ],
)
def test_lambda_must_be_able_to_reserve_what_the_scorers_ask_for(limit, unreserved, outcome):
    wanted = {"wine": 10, "beer": 10}

    assert account_checks.concurrency_check(wanted, limit, unreserved).outcome == outcome


@pytest.mark.parametrize(
    ("limits", "outcome"),
    [
        ({"Concurrently running builds for ARM/Small environment": 1.0}, "ok"),
        ({"Concurrently running builds for Linux/Small environment": 0.0}, "fail"),
        ({"Build projects": 5000.0}, "warn"),
    ],
)
def test_a_release_needs_one_build_at_a_time(limits, outcome):
    assert account_checks.build_check(limits).outcome == outcome
