"""Runs in the model table: find one, list them."""

from typing import TYPE_CHECKING

from core.names import is_model_name
from kanmon.errors import BadInputError
from kanmon.stage.connection import stage_flag
from kanmon.stage.records import Record, record_named, record_of, records_of

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection


class RunRecord(Record):
    """A run in the model table."""

    kind = "run"
    began = "opened_at"
    bookkeeping = (
        "ran",
        "cost",
        "paid",
        "run",
        "answer",
        "noticed_at",
        "release_number",
        "failures_told",
    )


def runs_of(connection: "Connection", model: str, limit: int) -> list[RunRecord]:
    """The latest runs of a model, newest first."""
    return records_of(connection, RunRecord, model, limit)


def find_run(connection: "Connection", project: "Project", run: str) -> RunRecord:
    """The run of this name; for a model's name, its latest run."""
    flag = stage_flag(connection.name)
    latest = runs_of(connection, run, 1) if is_model_name(run) else []
    if latest:
        return latest[0]
    if run in project.models():
        raise BadInputError(f"model {run} has no run yet", f"`kanmon run {run}{flag}` starts one.")
    found = record_named(connection, RunRecord, run) or _ask_execution(connection, run)
    if found:
        return found
    raise BadInputError(
        f"there is no run {run!r} on stage {connection.name}",
        project.suggestion(run) or f"`kanmon runs{flag}` lists them.",
    )


def run_record(connection: "Connection", model: str, run: str) -> RunRecord | None:
    """The record of one run; None if Open Run has not written it (yet)."""
    return record_of(connection, RunRecord, model, run)


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
