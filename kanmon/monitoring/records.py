"""Monitorings in the model table: find one, list them."""

from typing import TYPE_CHECKING

from core.names import is_model_name
from kanmon.stage.records import Record, record_named, record_of, records_of

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

RUNNING = "RUNNING"


class MonitoringRecord(Record):
    """A monitoring in the model table."""

    kind = "monitoring"
    began = "opened_at"
    bookkeeping = ("cost", "paid", "answer", "noticed_at", "turned", "failures_told")

    @property
    def outcome(self) -> str:
        """Its state; while it has none, the status of its execution."""
        return str(self.state or str(self.status or "unknown").lower())


def monitorings_of(connection: "Connection", model: str, limit: int) -> list[MonitoringRecord]:
    """The latest monitorings of a model, newest first."""
    return records_of(connection, MonitoringRecord, model, limit)


def monitoring_record(
    connection: "Connection", model: str, monitoring: str
) -> MonitoringRecord | None:
    """The record of one monitoring; None if there is none (yet)."""
    return record_of(connection, MonitoringRecord, model, monitoring)


def monitoring_named(connection: "Connection", name: str) -> MonitoringRecord | None:
    """The monitoring of this name; None where it names none, such as a run or a model."""
    if is_model_name(name) or "/" in name:
        return None
    return record_named(connection, MonitoringRecord, name)


def running_monitorings(connection: "Connection", model: str) -> set[str]:
    """The monitorings whose executions run. One that was stopped may still be recorded so."""
    found = records_of(connection, MonitoringRecord, model)
    return {one.name for one in found if one.status == RUNNING and _runs(connection, one.name)}


def _runs(connection: "Connection", monitoring: str) -> bool:
    stepfunctions = connection.stepfunctions
    try:
        found = stepfunctions.describe_execution(
            executionArn=connection.monitoring_execution_arn(monitoring)
        )
    except stepfunctions.exceptions.ExecutionDoesNotExist:
        return False
    return found["status"] == RUNNING
