"""What a monitoring is asked for: the input of its execution, and its name."""

import re
import secrets
from datetime import UTC, datetime
from typing import Any

from core.names import new_run_name
from kanmon.errors import BadInputError
from kanmon.stage.reason import check_reason

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
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    if first and first > today:
        raise BadInputError(f"--from {first} is after today, {today} in UTC", "Name a day before.")
    check_reason(reason)
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
