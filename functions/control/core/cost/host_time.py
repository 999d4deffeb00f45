"""How long the hosts of a batch worked, over all of its attempts. Pure.

An attempt that was stopped reports no times. Then the sum is not known, and no cost is: a part of
the cost would be read as all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.reading import finite
from core.words.formats import parsed

_UNKNOWN = "unknown"


def seconds_between(began: object, ended: object) -> float | None:
    """Between two times of a job: epoch milliseconds, as Step Functions has them, or ISO 8601.

    >>> seconds_between(1000, 2500), seconds_between("2026-11-21T06:00:00Z", None)
    (1.5, None)
    """
    first, last = _seconds(began), _seconds(ended)
    return None if first is None or last is None else max(0.0, last - first)


def _seconds(moment: object) -> float | None:
    milliseconds = finite(moment)
    if milliseconds is not None:
        return milliseconds / 1000
    at: datetime | None = parsed(moment)
    return at.timestamp() if at else None


def with_attempt(record: Mapping[str, Any], worked: float | None, hosts: int) -> str:
    """The record's new value: what it has, and an attempt of so many hosts.

    >>> with_attempt({"host_seconds": "30"}, 12.5, 2), with_attempt({}, None, 2)
    ('55.0', 'unknown')
    """
    before = known(record)
    return _UNKNOWN if worked is None or before is None else str(before + worked * hosts)


def known(record: Mapping[str, Any]) -> float | None:
    """What a batch's record knows of the time; None where an attempt's is not known."""
    value = record.get("host_seconds", "0")
    return None if value == _UNKNOWN else float(value)
