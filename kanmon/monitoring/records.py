"""Monitorings in the model table: find one, list them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.names import is_model_name
from kanmon.runs.records import possible_models
from kanmon.stage.model_table import item_of, items_of

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

_PREFIX = "monitoring#"
# Attributes that only the control functions use.
_BOOKKEEPING = ("cost", "answer", "noticed_at", "failures_told")


@dataclass(frozen=True)
class MonitoringRecord:
    """A monitoring in the model table; `fields` are the item's attributes as plain values."""

    monitoring: str
    model: str
    fields: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.fields.get(name)

    @property
    def outcome(self) -> str:
        """Its state; while it has none, the status of its execution."""
        return str(self.state or str(self.status or "unknown").lower())

    def document(self) -> dict[str, Any]:
        """The record for `--json`."""
        return {"monitoring": self.monitoring, "model": self.model, **self.fields}


def monitorings_of(connection: "Connection", model: str, limit: int) -> list[MonitoringRecord]:
    """The latest monitorings of a model, newest first."""
    found = [_record(item) for item in items_of(connection, model, _PREFIX)]
    found.sort(key=lambda one: (str(one.opened_at or ""), one.monitoring), reverse=True)
    return found[:limit]


def monitoring_record(
    connection: "Connection", model: str, monitoring: str
) -> MonitoringRecord | None:
    """The record of one monitoring; None if there is none (yet)."""
    item = item_of(connection, model, f"{_PREFIX}{monitoring}")
    return _record(item) if item else None


def monitoring_named(connection: "Connection", name: str) -> MonitoringRecord | None:
    """The monitoring of this name; None where it names none, such as a run or a model."""
    if is_model_name(name) or "/" in name:
        return None
    records = (monitoring_record(connection, model, name) for model in possible_models(name))
    return next((record for record in records if record is not None), None)


def _record(plain: dict[str, Any]) -> MonitoringRecord:
    model, item = str(plain.pop("model")), str(plain.pop("item"))
    for name in _BOOKKEEPING:
        plain.pop(name, None)
    return MonitoringRecord(item.removeprefix(_PREFIX), model, plain)
