"""The request for a run: its name, parameters, commit, and the input of its execution."""

import getpass
import json
import os
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanmon.errors import BadInputError
from kanmon.models.definitions import Folder, as_bad_input
from kanmon.stage.connection import stage_flag
from kanmon.stage.reason import check_reason

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection

# In a tree so large that git takes longer, the commit is left out.
GIT_SECONDS = 5
LONGEST_NOTE = 1000
PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


def parse_parameters(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Parameters from `key=value` words: numbers, true, false, else text.

    >>> parse_parameters(("learning_rate=0.05", "rounds=200", "boosting=dart"))
    {'learning_rate': 0.05, 'rounds': 200, 'boosting': 'dart'}
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not PARAMETER.fullmatch(key) or not value:
            raise BadInputError(
                f"--set {pair!r} is not KEY=VALUE", "Write it as in --set rounds=200."
            )
        if key in found:
            raise BadInputError(f"--set sets {key} twice", "Set it once.")
        found[key] = _scalar(value)
    return found


def parse_instances(pairs: tuple[str, ...]) -> dict[str, str]:
    """Machines by step, from `step=type` words.

    >>> parse_instances(("train=ml.m5.4xlarge",))
    {'train': 'ml.m5.4xlarge'}
    """
    found: dict[str, str] = {}
    if not pairs:
        return found
    from core.runs.instances import problem

    for pair in pairs:
        step, equals, name = pair.partition("=")
        if not equals or not step or not name:
            raise BadInputError(
                f"--instance {pair!r} is not STEP=TYPE",
                "Write it as in --instance train=ml.m5.4xlarge.",
            )
        if step in found:
            raise BadInputError(f"--instance gives {step} two machines", "Give it one.")
        wrong = problem(step, name)
        if wrong:
            raise BadInputError(f"--instance {pair}: {wrong}")
        found[step] = name
    return found


def _scalar(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text


def check_parameters(folder: Folder, given: dict[str, Any]) -> None:
    """Refuse parameters that the trainer does not accept."""
    from core.definition.parse import DefinitionError, apply_parameters

    try:
        apply_parameters(folder.definition, given)
    except DefinitionError as error:
        raise as_bad_input(error.problems) from error


def check_gathers(connection: "Connection", folder: Path) -> None:
    """Refuse a model whose gather.py the stage does not run."""
    from core.definition.program import FILE
    from kanmon.deployment.gatherers import PARAMETER

    if not (folder / FILE).is_file():
        return
    stack = connection.stack_description() or {}
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    if folder.name not in given.get(PARAMETER, "").split(","):
        deploy = f"kanmon deploy{stage_flag(connection.name)}"
        raise BadInputError(
            f"stage {connection.name} does not run the {FILE} of {folder.name}, because its "
            f"parameter {PARAMETER} does not name the model",
            f"Name it there in samconfig.toml, and run `{deploy}`.",
        )


def run_name(model: str, wanted: str | None) -> str:
    """The name of the run: the wanted one if it is valid, or a new one."""
    from core.names import RUN_RULE, is_run_name, new_run_name

    if wanted is None:
        return new_run_name(model, datetime.now(UTC), secrets.token_bytes(8))
    if not is_run_name(wanted):
        raise BadInputError(f"{wanted!r} is not a valid name for a run", f"Use {RUN_RULE}.")
    return wanted


def current_commit(project: "Project") -> str | None:
    """The project's commit, ending in -dirty if files differ from it or are not in it; None
    without git or a commit.

    It is recorded for people. The model itself depends on the definition's content only.
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


def started_by(connection: "Connection") -> str:
    """Who asks for the run: on the local stage, where all are the root user, this machine's user.

    It is what the caller says: in an account CloudTrail has who started the execution.
    """
    if connection.name == "local":
        try:
            return getpass.getuser()
        except (OSError, KeyError):  # a user without a name, as in some containers
            return "local"
    return str(connection.client("sts").get_caller_identity()["Arn"])


def run_input(
    model: str,
    reason: str,
    force: bool,
    given: dict[str, Any],
    definition: str,
    commit: str | None,
    instances: dict[str, str] | None = None,
    note: str | None = None,
    by: str | None = None,
) -> dict[str, Any]:
    """The input of the run's execution."""
    check_reason(reason)
    if note is not None and not 1 <= len(note.strip()) <= LONGEST_NOTE:
        raise BadInputError(
            f"the note has {len(note.strip())} characters", f"Write one of 1 to {LONGEST_NOTE}."
        )
    document = {
        "model": model,
        "reason": reason,
        "force": force,
        "parameters": given,
        "definition": definition,
    }
    given_besides = {"commit": commit, "instances": instances, "note": note, "by": by}
    return document | {name: value for name, value in given_besides.items() if value}
