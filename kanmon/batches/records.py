"""Batches in the model table: find one, list them."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from core.stage.batch_table import FAILED, RUNNING, SUCCEEDED
from kanmon.errors import BadInputError
from kanmon.stage.connection import stage_flag
from kanmon.stage.records import Record, latest_of, record_named, records_of

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# How executions end that do not succeed.
ENDED = (FAILED, "ABORTED", "TIMED_OUT")
# A batch's id as `kanmon score-batch` makes it, and the model that it begins with.
_BATCH = re.compile(r"(.+)-[0-9]{12}-[0-9a-z]{3}")


class BatchRecord(Record):
    """A batch in the model table."""

    kind = "batch"
    began = "asked_at"
    bookkeeping = (
        "cost",
        "paid",
        "answer",
        "noticed_at",
        "told",
        "host_seconds",
        "counted",
        "counted_job",
        "function_mb",
    )

    @property
    def works(self) -> str:
        """The execution that works on the batch, or did so last."""
        return str(self.fields.get("execution") or self.batch)


def batches_of(connection: "Connection", model: str, limit: int) -> list[BatchRecord]:
    """The latest batches of a model, newest first."""
    return latest_batches(connection, [model], limit)


def latest_batches(
    connection: "Connection", models: Iterable[str], limit: int
) -> list[BatchRecord]:
    """The latest batches of several models, newest first."""
    found = latest_of(connection, BatchRecord, models, limit)
    return [_as_it_is(connection, one) for one in found]


def _as_it_is(connection: "Connection", record: BatchRecord) -> BatchRecord:
    """The record, with the end of an execution that no function could record.

    Such as one that a local stage lost when it was killed.
    """
    if record.status != RUNNING:
        return record
    status = status_of(connection, record.works)
    return (
        replace(record, fields={**record.fields, "status": status}) if status in ENDED else record
    )


def batch_states(connection: "Connection", model: str) -> dict[str, str]:
    """The status of each of the model's batches."""
    return {one.name: str(one.status) for one in records_of(connection, BatchRecord, model)}


def batch_named(connection: "Connection", name: str) -> BatchRecord | None:
    """The batch of this name; None where the stage has none, so that it may be a run's."""
    found = record_named(connection, BatchRecord, name)
    if found:
        return found
    begun = _BATCH.fullmatch(name)
    scores = "ScoreStateMachineArn" in connection.outputs
    if begun and scores and (status := status_of(connection, name)):  # it has no record yet
        return BatchRecord(name, begun[1], {"status": status})
    return None


def find_batch(connection: "Connection", batch: str) -> BatchRecord:
    """The batch of this name; raises BadInputError where there is none."""
    found = batch_named(connection, batch)
    if found:
        return found
    raise BadInputError(
        f"there is no batch {batch!r} on stage {connection.name}",
        f"`kanmon batches MODEL{stage_flag(connection.name)}` lists a model's.",
    )


def newest_done(connection: "Connection", model: str) -> tuple[BatchRecord, list[BatchRecord]]:
    """A model's newest batch that is done, and those that are newer; raises BadInputError where
    there is none."""
    every = records_of(connection, BatchRecord, model)
    for at, one in enumerate(every):
        if one.status == SUCCEEDED:
            return one, every[:at]
    flag = stage_flag(connection.name)
    raise BadInputError(
        f"{model} has no batch that is done",
        f"`kanmon batches {model}{flag}` lists what became of the others."
        if every
        else f"`kanmon score-batch {model}{flag}` starts one.",
    )


def status_of(connection: "Connection", name: str) -> str | None:
    """The status of an execution that works on a batch; None if there is none of this name."""
    from botocore.exceptions import ClientError

    try:
        arn = connection.batch_execution_arn(name)
        found = connection.stepfunctions.describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"ExecutionDoesNotExist", "InvalidArn"}:
            return None
        raise
    return found["status"]
