"""Putting the platform on a stage: locally through CloudFormation, on AWS with SAM and docker."""

import base64
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanmon.deployment import package, stack
from kanmon.errors import BadInputError, KanmonError, RunFailedError
from kanmon.models import definitions

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection

STEPS = ("preprocess", "train", "evaluate")


def deploy_locally(
    connection: "Connection", project: "Project", tick: Callable[[str], None]
) -> stack.Change:
    """Upload code and state machine by content, then create or update the stack."""
    bucket = f"{connection.stack}-code-{connection.account}"
    have = _keys_of_new_or_known_bucket(connection, bucket)

    def upload(name: str, content: bytes) -> dict[str, str]:
        if name not in have or name == "template.json":
            connection.s3.put_object(Bucket=bucket, Key=name, Body=content)
        return {"Bucket": bucket, "Key": name}

    tick("Packaging …")
    template = package.point_at_uploads(
        package.read_template(project.root / "template.yaml"), project.root, upload
    )
    change = stack.apply(connection, template, upload, tick)
    publish_scorer(connection, project, template["Parameters"])
    return change


def publish_scorer(
    connection: "Connection", project: "Project", parameters: Mapping[str, Any]
) -> None:
    """Put the scorer's package where a release's packaging looks for it.

    On AWS the first release builds it, libraries included. Here its libraries are those of .venv,
    as for the control functions, and nothing needs to be built.
    """
    from botocore.exceptions import ClientError

    from shipping import scorer_package

    scoring = project.root / "serving" / "scoring"
    if not scoring.is_dir():
        return
    key = scorer_package.key(scoring, parameters["FunctionArchitecture"]["Default"])
    bucket = connection.outputs["DataBucketName"]
    try:
        connection.s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        connection.s3.put_object(
            Bucket=bucket, Key=key, Body=scorer_package.without_libraries(scoring)
        )


def _keys_of_new_or_known_bucket(connection: "Connection", bucket: str) -> set[str]:
    from botocore.exceptions import ClientError

    try:
        return {
            one["Key"] for one in connection.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        }
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
    connection.s3.create_bucket(Bucket=bucket)
    return set()


def find_sam(project: "Project") -> Path:
    """The SAM CLI: the project's own, else the one on PATH."""
    own = project.root / ".venv-sam/bin/sam"
    found = str(own) if own.is_file() else shutil.which("sam")
    if not found:
        raise BadInputError("the SAM CLI is not installed", "`make .venv-sam/ready` installs it.")
    return Path(found)


def run_sam(project: "Project", stage: str) -> None:
    """`sam build` and `sam deploy` for a stage; their output goes to stderr."""
    sam = find_sam(project)
    for words in (
        ["build", "--config-env", stage],
        ["deploy", "--config-env", stage, "--no-fail-on-empty-changeset"],
    ):
        call([str(sam), *words], project.root, f"sam {words[0]}")


def call(words: list[str], folder: Path, name: str, stdin: bytes | None = None) -> None:
    """Run a program whose output the user should see while stdout stays ours."""
    done = subprocess.run(words, cwd=folder, stdout=sys.stderr, input=stdin, check=False)
    if done.returncode:
        raise RunFailedError(
            f"{name} failed with exit code {done.returncode}", "Its output is above."
        )


def image_commands(repository: str) -> list[list[str]]:
    """What builds and pushes the step images. SageMaker runs x86 and takes no attestations."""
    build = ["docker", "build", "--platform", "linux/amd64", "--provenance=false"]
    # It mounts the output folders for root; the step gives root up itself (contract/step.py).
    build += ["--build-arg", "STEP_USER=0:0"]
    commands = []
    for step in STEPS:
        image = f"{repository}:{step}"
        place = ["--file", "containers/Dockerfile", "--target", step, "--tag", image, "containers"]
        commands += [[*build, *place], ["docker", "push", "--quiet", image]]
    return commands


def push_images(connection: "Connection", project: "Project", tick: Callable[[str], None]) -> None:
    """Build the step images and push them to the stage's repository."""
    repository = connection.outputs["StepsRepositoryUri"]
    token = connection.client("ecr").get_authorization_token()["authorizationData"][0]
    user, _, word = base64.b64decode(token["authorizationToken"]).decode().partition(":")
    login = ["docker", "login", "--username", user, "--password-stdin", repository.split("/")[0]]
    call(login, project.root, "docker login", word.encode())
    for words in image_commands(repository):
        tick(" ".join(words))
        call(words, project.root, " ".join(words[:2]))


def publish_definitions(
    connection: "Connection", project: "Project"
) -> tuple[list[str], dict[str, str]]:
    """Publish every valid model folder; the models that are new, and what is wrong with others."""
    new, wrong = [], {}
    for model in project.models():
        try:
            if definitions.publish(
                connection, definitions.read_folder(project.model_folder(model))
            ):
                new.append(model)
        except KanmonError as error:
            wrong[model] = error.line()
    return new, wrong
