"""Deploying to an account calls SAM and docker."""

import base64
import json
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.stage.images import IMAGES, STEPS
from kanmon.deployment import account_checks, platform, publishing, step_images
from kanmon.deployment.machine_checks import Check
from kanmon.errors import BadInputError, RunFailedError
from kanmon.terminal.screen import Screen
from localaws import steps
from localaws.jobs.images import sources

ROOT = Path(__file__).parents[3]


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


def test_an_image_is_built_for_sagemaker_with_dockers_media_types_and_pushed_under_its_tag():
    words = step_images.build_command("registry/repository", "train")

    assert words[:3] == ["docker", "buildx", "build"]
    assert {"--provenance=false", "--sbom=false", "STEP_USER=0:0"} <= set(words)
    assert words[words.index("--platform") + 1] == "linux/amd64"
    assert words[words.index("--output") + 1] == "type=image,push=true,oci-mediatypes=false"
    assert words[words.index("--tag") + 1] == "registry/repository:train"


def test_a_models_own_train_image_is_built_of_its_folder_on_the_image_of_train():
    words = step_images.own_command("registry/repository", "registry/repository@sha256:a", "linear")

    assert words[-1] == "models/linear/train"
    assert {"BASE=registry/repository@sha256:a", "STEP_USER=0:0"} <= set(words)
    assert words[words.index("--tag") + 1] == "registry/repository:train-linear"


class Account:
    """A deployed stage in an account, with what its repository says of every pushed image."""

    name, stack, bucket, stack_poll_seconds = "dev", "kanmon-dev", "data", 0
    outputs = {"StepsRepositoryUri": "registry/kanmon-dev-steps"}  # noqa: RUF012

    def __init__(self):
        self.s3 = SimpleNamespace(put_object=self.put)
        self.written = {}
        self.manifest = step_images.DOCKER_MANIFEST
        self.parameters = {"Stage": "dev", "StepImageDigests": ""}
        self.updates = []
        self.cause = ""
        pages = SimpleNamespace(paginate=lambda **_: [{"StackEvents": [self.event()]}])
        self.cloudformation = SimpleNamespace(
            update_stack=self.update, get_paginator=lambda _: pages
        )

    def event(self):
        return {
            "ResourceStatus": "UPDATE_FAILED",
            "LogicalResourceId": "Compute",
            "ResourceStatusReason": self.cause,
        }

    def stack_description(self):
        status = "UPDATE_ROLLBACK_COMPLETE" if self.updates and self.cause else "UPDATE_COMPLETE"
        given = [
            {"ParameterKey": key, "ParameterValue": one} for key, one in self.parameters.items()
        ]
        return {"StackStatus": status, "Parameters": given}

    def update(self, **request):
        self.updates.append(request)
        changed = request["Parameters"]
        self.parameters |= {
            one["ParameterKey"]: one["ParameterValue"] for one in changed if "ParameterValue" in one
        }

    def put(self, **request):
        self.written[request["Key"]] = json.loads(request["Body"])

    def client(self, service):
        token = {"authorizationToken": base64.b64encode(b"AWS:secret").decode()}
        return SimpleNamespace(
            get_authorization_token=lambda: {"authorizationData": [token]},
            describe_images=self.describe_images,
        )

    def describe_images(self, repositoryName, imageIds):  # noqa: N803
        image = {"imageDigest": f"sha256:{imageIds[0]['imageTag']}"}
        return {"imageDetails": [{**image, "imageManifestMediaType": self.manifest}]}


@pytest.fixture
def account(project):
    shutil.rmtree(project.root / "models")
    shutil.copytree(
        ROOT / "containers",
        project.root / "containers",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return Account()


@pytest.fixture
def docker(project, monkeypatch):
    """A stand-in for the Docker client that notes how it was called, and fails at `$BROKEN`."""
    path = project.root / "bin/docker"
    path.parent.mkdir()
    path.write_text('#!/bin/sh\ntest "$1 $2" = "$BROKEN" && exit 1\necho "$1 $2" >> calls.txt\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent), prepend=":")
    monkeypatch.chdir(project.root)
    return path


def test_publishing_signs_in_then_builds_and_pushes_each_image(project, account, docker, capfd):
    published = publishing.publish(account, project, Screen(False), with_images=True)

    assert published.images == list(IMAGES)
    assert (project.root / "calls.txt").read_text().splitlines() == [
        "buildx version",
        "info ",
        "login --username",
        *["buildx build"] * len(IMAGES),
    ]
    shown = capfd.readouterr()
    assert shown.out == (
        f"Pushed the images of {', '.join(IMAGES)}\nThe steps are functions of these images\n"
    )
    assert shown.err.count("docker buildx build") == len(IMAGES)


def test_publishing_builds_the_train_images_of_the_models_that_have_one(project, account, docker):
    for name in ("linear", "plain"):
        (project.root / "models" / name).mkdir(parents=True)
        (project.root / "models" / name / "model.yaml").write_text("")
    (project.root / "models/linear/train").mkdir()
    (project.root / "models/linear/train/Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")

    pushed = step_images.push(account, project, lambda _: None)

    assert list(pushed) == [*IMAGES, "train-linear"]
    described = account.written["images/train-linear.json"]
    assert described["image"] == "kanmon-dev-steps:train-linear"
    assert described["content"] != account.written["images/train.json"]["content"]


def test_publishing_makes_functions_of_the_pushed_images_and_changes_nothing_else(
    project, account, docker
):
    publishing.publish(account, project, Screen(False), with_images=True)
    publishing.publish(account, project, Screen(False), with_images=True)

    [update] = account.updates  # the second time they are these images already
    assert update["UsePreviousTemplate"] is True
    assert update["Parameters"] == [
        {"ParameterKey": "Stage", "UsePreviousValue": True},
        {
            "ParameterKey": "StepImageDigests",
            "ParameterValue": ",".join(f"sha256:{step}" for step in STEPS),
        },
    ]


def test_a_stack_that_cannot_have_functions_has_all_else_and_says_why(
    project, account, docker, capfd
):
    model = project.root / "models/leads"
    model.mkdir(parents=True)
    (model / "model.yaml").write_text("name: leads\n")
    account.cause = "contains availability zone Lambda doesn't support"

    published = publishing.publish(account, project, Screen(False), with_images=True)

    assert published.images == list(IMAGES)
    assert list(published.invalid) == ["leads"]  # it came to the definitions
    said = capfd.readouterr().err
    assert "The steps stay jobs: stack kanmon-dev ended as UPDATE_ROLLBACK_COMPLETE" in said
    assert "availability zone Lambda doesn't support" in said


def test_a_stack_of_an_older_template_gets_no_functions(project, account, docker):
    del account.parameters["StepImageDigests"]

    publishing.publish(account, project, Screen(False), with_images=True)

    assert account.updates == []


def test_a_rebuild_is_described_by_the_same_content_until_the_tree_changes(
    project, account, docker
):
    def published() -> dict[str, str]:
        publishing.publish(account, project, Screen(False), with_images=True)
        return {key: one["content"] for key, one in account.written.items()}

    before, again = published(), published()
    (project.root / "containers/train/model.py").write_text("# another model\n")
    after = published()

    assert sorted(before) == sorted(f"images/{step}.json" for step in IMAGES)
    assert len(set(before.values())) == len(IMAGES)
    assert again == before
    assert {key for key in after if after[key] != before[key]} == {"images/train.json"}


@pytest.mark.parametrize("step", IMAGES)
def test_the_content_of_an_image_is_all_that_its_dockerfile_copies(step):
    text = (ROOT / "containers/Dockerfile").read_text()
    parts = dict(re.findall(r"^(FROM \S+ AS (\S+)\n(?:(?!FROM ).*\n?)*)", text, re.MULTILINE))
    stages = {name: part for part, name in parts.items()}
    copied, todo = {"Dockerfile"}, [step]
    while todo:
        part = stages.get(todo.pop(), "")
        todo += re.findall(r"^(?:FROM|COPY --from=)\s*([a-z-]+)", part, re.MULTILINE)
        copied |= set(re.findall(r"^COPY ([^-]\S*) ", part, re.MULTILINE))

    known = sources(step, steps.read(ROOT / "containers"))

    assert {file.relative_to(ROOT / "containers").parts[0] for file in known} == copied


def test_what_the_dockerfile_copies_is_sent_to_the_engine():
    dockerfile = (ROOT / "containers/Dockerfile").read_text()
    copied = set(re.findall(r"^COPY ([^-]\S*) ", dockerfile, re.MULTILINE))
    sent = {
        line.removeprefix("!").removesuffix("/**")
        for line in (ROOT / "containers/.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }

    assert sent == copied


def test_an_image_that_sagemaker_may_refuse_ends_the_publication_in_one_line(
    project, account, docker
):
    account.manifest = "application/vnd.oci.image.manifest.v1+json"

    with pytest.raises(RunFailedError) as failed:
        publishing.publish(account, project, Screen(False), with_images=True)

    assert failed.value.line() == (
        "the image kanmon-dev-steps:preprocess was pushed with a manifest of type "
        "application/vnd.oci.image.manifest.v1+json, and SageMaker takes "
        "application/vnd.docker.distribution.manifest.v2+json for certain. Let another builder "
        "make it: `docker buildx create --driver docker-container --use`, then `kanmon publish "
        "--stage dev`."
    )
    assert account.written == {}


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("buildx version", "docker has no buildx, which builds the step images"),
        ("info ", "the Docker engine does not answer"),
    ],
)
def test_docker_is_checked_before_anything_is_deployed(
    kanmon, project, sam, docker, monkeypatch, broken, said
):
    monkeypatch.setenv("BROKEN", broken)

    result = kanmon("deploy", "--stage", "dev")

    assert result.exit_code == 2
    assert said in result.stderr
    calls = project.root / "calls.txt"
    assert not calls.exists() or "build --config-env" not in calls.read_text()
    [check] = account_checks.docker(project, "dev")
    assert (check.outcome, check.found) == ("warn", said)


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
