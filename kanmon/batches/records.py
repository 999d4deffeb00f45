"""Batches in the model table: find one, list them."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kanmon.errors import BadInputError
from kanmon.runs.records import possible_models
from kanmon.stage.connection import stage_flag
from kanmon.stage.model_table import item_of, items_of

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

RUNNING, SUCCEEDED, FAILED = "RUNNING", "SUCCEEDED", "FAILED"
# Attributes of a batch's item that only the control functions use.
BOOKKEEPING = ("cost", "answer", "noticed_at", "told", "host_seconds")
# A batch's id as `kanmon score-batch` makes it, and the model that it begins with.
_BATCH = re.compile(r"(.+)-[0-9]{12}-[0-9a-z]{3}")


@dataclass(frozen=True)
class BatchRecord:
    """A batch in the model table; `fields` are the item's attributes as plain values."""

    batch: str
    model: str
    fields: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.fields.get(name)

    def document(self) -> dict[str, Any]:
        """The record for `--json`."""
        return {"batch": self.batch, "model": self.model, **self.fields}

    @property
    def works(self) -> str:
        """The execution that works on the batch, or did so last."""
        return str(self.fields.get("execution") or self.batch)


def batches_of(connection: "Connection", model: str, limit: int) -> list[BatchRecord]:
    """The latest batches of a model, newest first."""
    found = [_record(item) for item in items_of(connection, model, "batch#")]
    found.sort(key=lambda record: (str(record.asked_at or ""), record.batch), reverse=True)
    return found[:limit]


def failed_batches(connection: "Connection", model: str) -> set[str]:
    """The model's batches that ended without a manifest, and that nobody has resumed."""
    found = [_record(item) for item in items_of(connection, model, "batch#")]
    return {record.batch for record in found if record.status == FAILED}


def batch_record(connection: "Connection", model: str, batch: str) -> BatchRecord | None:
    """The record of one batch; None if Open Batch has not written it (yet)."""
    item = item_of(connection, model, f"batch#{batch}")
    return _record(item) if item else None


def batch_named(connection: "Connection", name: str) -> BatchRecord | None:
    """The batch of this name; None where the stage has none, so that it may be a run's."""
    for model in possible_models(name):
        found = batch_record(connection, model, name)
        if found:
            return found
    begun = _BATCH.fullmatch(name)
    if begun and _is_execution(connection, name):  # it has no record yet
        return BatchRecord(name, begun[1], {"status": RUNNING})
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


def _is_execution(connection: "Connection", name: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        arn = connection.batch_execution_arn(name)
        connection.stepfunctions.describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"ExecutionDoesNotExist", "InvalidArn"}:
            return False
        raise
    return True


def _record(plain: dict[str, Any]) -> BatchRecord:
    model, name = str(plain.pop("model")), str(plain.pop("item"))
    for kept in BOOKKEEPING:
        plain.pop(kept, None)
    return BatchRecord(name.removeprefix("batch#"), model, plain)
