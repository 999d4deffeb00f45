"""What `kanmon run` does around an execution: the request, the fresh name, the documents after."""

import json
import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanmon.errors import BadInputError
from kanmon.models.definitions import Folder, as_bad_input
from kanmon.stage.connection import read_json

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection

# A tree so large that git takes longer is not worth the wait.
GIT_SECONDS = 5
PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


def parameters(pairs: tuple[str, ...]) -> dict[str, Any]:
    """`key=value` words as parameters: numbers, true, false, else text.

    >>> parameters(("learning_rate=0.05", "rounds=200", "boosting=dart"))
    {'learning_rate': 0.05, 'rounds': 200, 'boosting': 'dart'}
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not PARAMETER.fullmatch(key) or not value:
            raise BadInputError(f"--set {pair!r} is not key=value", "Write --set rounds=200.")
        if key in found:
            raise BadInputError(f"--set gives {key} twice", "Give it once.")
        found[key] = _scalar(value)
    return found


def _scalar(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text


def check_parameters(folder: Folder, given: dict[str, Any]) -> None:
    """Refuse parameters that the trainer's settings cannot take."""
    from core.definition.schema import DefinitionError, apply_parameters

    try:
        apply_parameters(folder.definition, given)
    except DefinitionError as error:
        raise as_bad_input(error.problems) from error


def run_name(model: str, wanted: str | None) -> str:
    """The run's name: the wanted one when it can name a run, else a fresh one."""
    from core.names import RUN_RULE, is_run_name, new_run_name

    if wanted is None:
        return new_run_name(model, datetime.now(UTC), secrets.token_bytes(8))
    if not is_run_name(wanted):
        raise BadInputError(f"{wanted!r} cannot name a run", f"Use {RUN_RULE}.")
    return wanted


def commit(project: "Project") -> str | None:
    """The project's commit, ending in -dirty where its files differ from it or are not in it; None
    without git or commits.

    It is told to whoever asks where a model comes from. What the model follows from is the
    definition's content, whatever commit it is in.
    """
    import subprocess

    words = ["git", "status", "--porcelain=v2", "--branch", "--", "."]
    try:
        done = subprocess.run(
            words,
            cwd=project.root,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    # "# branch.oid 1a2b…" and other headers, then a line for each file that differs.
    head, files = "(initial)", []
    for line in done.stdout.splitlines():
        if line.startswith("# branch.oid "):
            head = line.split()[-1]
        elif not line.startswith("#"):
            files.append(line)
    return None if head == "(initial)" else f"{head}-dirty" if files else head


def request(
    model: str,
    reason: str,
    force: bool,
    given: dict[str, Any],
    definition: str,
    commit: str | None,
) -> dict[str, Any]:
    """The execution's input."""
    asked = {
        "model": model,
        "reason": reason,
        "force": force,
        "parameters": given,
        "definition": definition,
    }
    return asked | ({"commit": commit} if commit else {})


@dataclass(frozen=True)
class Documents:
    """What a run wrote for people; None for what it did not come to."""

    verdict: dict[str, Any] | None
    evaluation: dict[str, Any] | None


def documents(connection: "Connection", model: str, run: str) -> Documents:
    """The verdict and the evaluation of a run."""
    prefix = f"runs/{model}/{run}"
    return Documents(
        read_json(connection, f"{prefix}/verdict.json"),
        read_json(connection, f"{prefix}/evaluate/evaluation.json"),
    )


def review_key(model: str, run: str) -> str:
    """Where Judge Candidate puts the review page."""
    return f"runs/{model}/{run}/review.html"


def console_url(connection: "Connection", key: str) -> str | None:
    """The page in the AWS console, which asks for a sign-in; the local stage has no console."""
    if connection.endpoint:
        return None
    return (
        f"https://{connection.region}.console.aws.amazon.com/s3/object/{connection.bucket}"
        f"?region={connection.region}&prefix={key}"
    )


def download_review(
    connection: "Connection", project: "Project", model: str, run: str, to: Path | None = None
) -> Path | None:
    """Bring the review page to this machine; None when the run has none."""
    from botocore.exceptions import ClientError

    try:
        found = connection.s3.get_object(Bucket=connection.bucket, Key=review_key(model, run))
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
            return None
        raise
    path = to or project.home / "reviews" / f"{run}.html"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(found["Body"].read())
    return path


def shown_path(path: Path) -> str:
    """A path as one would type it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
