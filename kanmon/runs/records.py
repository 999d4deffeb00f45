"""Runs in the model table: find one, list them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.names import is_model_name
from kanmon.errors import BadInputError
from kanmon.stage.connection import stage_flag
from kanmon.stage.model_table import item_of, items_of

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection


# Attributes of a run's item that only the control functions use.
BOOKKEEPING = ("cost", "run", "answer", "noticed_at", "release_number", "failures_told")


@dataclass(frozen=True)
class RunRecord:
    """A run in the model table; `fields` are the item's attributes as plain values."""

    run: str
    model: str
    fields: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.fields.get(name)

    def document(self) -> dict[str, Any]:
        """The record for `--json`."""
        return {"run": self.run, "model": self.model, **self.fields}


def runs_of(connection: "Connection", model: str, limit: int) -> list[RunRecord]:
    """The latest runs of a model, newest first."""
    found = [_record(item) for item in items_of(connection, model, "run#")]
    # By time and not by name, because a run can have a name of its own.
    found.sort(key=lambda record: (str(record.opened_at or ""), record.run), reverse=True)
    return found[:limit]


def find_run(connection: "Connection", project: "Project", run: str) -> RunRecord:
    """The run of this name; for a model's name, its latest run."""
    flag = stage_flag(connection.name)
    latest = runs_of(connection, run, 1) if is_model_name(run) else []
    if latest:
        return latest[0]
    if run in project.models():
        raise BadInputError(f"model {run} has no run yet", f"`kanmon run {run}{flag}` starts one.")
    for model in possible_models(run):
        found = run_record(connection, model, run)
        if found:
            return found
    found = _ask_execution(connection, run)
    if found:
        return found
    raise BadInputError(
        f"there is no run {run!r} on stage {connection.name}",
        project.suggestion(run) or f"`kanmon runs{flag}` lists them.",
    )


def run_record(connection: "Connection", model: str, run: str) -> RunRecord | None:
    """The record of one run; None if Open Run has not written it (yet)."""
    item = item_of(connection, model, f"run#{run}")
    return _record(item) if item else None


def possible_models(run: str) -> list[str]:
    """The models that a run's name can belong to, likeliest first.

    >>> possible_models("abalone-261121055501-x7k")
    ['abalone', 'abalone-261121055501']
    """
    parts = run.split("-")
    prefixes = ["-".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]
    return sorted(prefixes, key=lambda prefix: abs(len(parts) - 2 - len(prefix.split("-"))))


def _ask_execution(connection: "Connection", run: str) -> RunRecord | None:
    """A run that failed before it had a record, or has a name of its own."""
    import json

    from botocore.exceptions import ClientError

    try:
        execution = connection.stepfunctions.describe_execution(
            executionArn=connection.execution_arn(run)
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in {"ExecutionDoesNotExist", "InvalidArn"}:
            return None
        raise
    try:
        model = str(json.loads(execution.get("input") or "{}").get("model", ""))
    except (ValueError, AttributeError):
        model = ""
    known = run_record(connection, model, run) if model else None
    return known or RunRecord(
        run,
        model,
        {
            "status": execution["status"],
            "opened_at": execution["startDate"].isoformat(),
            "error": execution.get("cause"),
        },
    )


def _record(plain: dict[str, Any]) -> RunRecord:
    model, name = str(plain.pop("model")), str(plain.pop("item"))
    for name_of_bookkeeping in BOOKKEEPING:
        plain.pop(name_of_bookkeeping, None)
    return RunRecord(name.removeprefix("run#"), model, plain)
