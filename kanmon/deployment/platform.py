"""Putting the platform on a stage: locally through CloudFormation, on AWS with SAM."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from core.stage.images import STEPS
from kanmon.deployment import package, stack, step_functions
from kanmon.errors import BadInputError, RunFailedError
from kanmon.stage import local, tracking

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection


def deploy_locally(
    connection: "Connection",
    project: "Project",
    tick: Callable[[str], None],
    meanwhile: Callable[[], object],
) -> stack.Change:
    """Upload code and state machine by content, then create or update the stack.

    `meanwhile` is done while the stage works on the stack.
    """
    bucket = f"{connection.stack}-code-{connection.account}"
    have = _keys_of_new_or_known_bucket(connection, bucket)

    def upload(name: str, content: bytes) -> dict[str, str]:
        if name not in have or name == "template.json":
            connection.s3.put_object(Bucket=bucket, Key=name, Body=content)
        return {"Bucket": bucket, "Key": name}

    def send(name: str, content: bytes) -> dict[str, str]:
        sent.append(uploads.submit(upload, name, content))
        return {"Bucket": bucket, "Key": name}

    tick("Packaging …")
    package.check_sources(project.root)
    sent: list[Future[dict[str, str]]] = []
    with ThreadPoolExecutor(1, "upload") as uploads:  # what is next is packed meanwhile
        template = package.point_at_uploads(
            package.read_template(project.root / "template.yaml"), project.root, send
        )
        records = tracking.parameters(project.home)
        known = {
            name: value for name, value in records.items() if name in template.get("Parameters", {})
        }
        parameters = {**_functions(project), **known, **connection.settings.parameters}
    for one in sent:
        one.result()
    return stack.apply(connection, template, parameters, upload, tick, meanwhile)


def _functions(project: "Project") -> dict[str, str]:
    """The parameter that makes functions of the working tree's steps, if the project has them."""
    if not (project.root / "containers" / "localaws.toml").is_file():
        return {}
    digests = {step: local.content_digest(project, step) for step in STEPS}
    return {step_functions.PARAMETER: step_functions.value(digests)}


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
    package.check_sources(project.root)
    sam = find_sam(project)
    for words in (
        ["build", "--config-env", stage],
        ["deploy", "--config-env", stage, "--no-fail-on-empty-changeset"],
    ):
        call([str(sam), *words], project.root, f"sam {words[0]}")


def search_path() -> str:
    """PATH with this environment's programs first.

    make and scripts call `.venv/bin/kanmon` without activating the environment, and `sam build`
    looks for uv on PATH.
    """
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def call(words: list[str], folder: Path, name: str, stdin: bytes | None = None) -> None:
    """Run a program whose output the user should see while stdout stays ours."""
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PATH": search_path()},
        stdout=sys.stderr,
        input=stdin,
        check=False,
    )
    if done.returncode:
        raise RunFailedError(
            f"{name} failed with exit code {done.returncode}", "Its output is above."
        )
