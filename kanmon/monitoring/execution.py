"""A monitoring's execution in Step Functions: its input, its start, its name."""

import json
import re
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.names import new_run_name
from kanmon.errors import BadInputError, StageError
from kanmon.stage.connection import stage_flag

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def monitoring_input(
    model: str, reason: str, days: int | None, first: str | None, last: str | None
) -> dict[str, Any]:
    """The input of the execution. Raises BadInputError for days that make no window."""
    if days is not None and (first or last):
        raise BadInputError("--days and --from exclude each other", "Give one of them.")
    if last and not first:
        raise BadInputError("--to needs --from", "Give the first day, too.")
    for option, day in (("--from", first), ("--to", last)):
        if day is not None and not _is_day(day):
            raise BadInputError(f"{option} {day!r} is not a day", "Write one such as 2026-01-31.")
    if first and last and first > last:
        raise BadInputError(f"--from {first} is after --to {last}", "Exchange them.")
    asked = {"model": model, "reason": reason, "days": days, "from": first, "to": last}
    return {name: value for name, value in asked.items() if value is not None}


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text)) and bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def new_name(model: str) -> str:
    """A name for a monitoring that starts now."""
    return new_run_name(model, datetime.now(UTC), secrets.token_bytes(8))


def machine(connection: "Connection") -> str:
    """The ARN of the stage's monitor workflow."""
    arn = connection.outputs.get("MonitorStateMachineArn")
    if arn is None:
        raise StageError(
            f"stage {connection.name} has no monitoring: an earlier version was deployed",
            f"Deploy with `kanmon deploy{stage_flag(connection.name)}`.",
        )
    return arn


def execution_arn(connection: "Connection", monitoring: str) -> str:
    """The ARN of the monitoring's execution, which has its name."""
    return f"{machine(connection).replace(':stateMachine:', ':execution:')}:{monitoring}"


def start(connection: "Connection", monitoring: str, request: dict[str, Any]) -> str:
    """Start the monitoring; its execution's ARN."""
    started = connection.stepfunctions.start_execution(
        stateMachineArn=machine(connection),
        name=monitoring,
        input=json.dumps(request, sort_keys=True),
    )
    return started["executionArn"]
