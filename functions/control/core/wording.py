"""Moments and sizes as Kanmon writes them."""

from datetime import UTC, datetime


def moment(at: datetime) -> str:
    """
    >>> moment(datetime(2026, 11, 21, 5, 55, 1, tzinfo=UTC))
    '2026-11-21T05:55:01Z'
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def size(count: int) -> str:
    """
    >>> size(999), size(217_321), size(12_400_000_000)
    ('999 B', '217 kB', '12.4 GB')
    """
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 999.5:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.3g} {unit}"
