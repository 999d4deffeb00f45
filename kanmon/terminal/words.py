"""Numbers, times and sizes as people read them. Pure."""

from datetime import datetime


def seconds(value: float) -> str:
    """
    >>> seconds(0.04), seconds(12.34), seconds(75), seconds(4000)
    ('0.0 s', '12.3 s', '1 min 15 s', '1 h 06 min')
    """
    if value < 60:
        return f"{value:.1f} s"
    if value < 3600:
        return f"{int(value // 60)} min {int(value % 60):02d} s"
    return f"{int(value // 3600)} h {int(value % 3600 // 60):02d} min"


def size(value: int) -> str:
    """
    >>> size(0), size(999), size(191_873), size(2_500_000_000)
    ('0 B', '999 B', '192 kB', '2.5 GB')
    """
    if value < 1000:
        return f"{value} B"
    amount = float(value)
    for unit in ("kB", "MB", "GB", "TB"):
        amount /= 1000
        if round(amount, 1) < 1000 or unit == "TB":
            break
    return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"


def number(value: float | None) -> str:
    """A metric's value: four significant digits, never in scientific notation.

    >>> number(2.08134), number(0.00042), number(15234.6), number(None)
    ('2.081', '0.0004', '15235', '–')
    """
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{value:.0f}"
    places = 3 if abs(value) >= 1 else 4
    return f"{value:.{places}f}".replace("-", "\N{MINUS SIGN}")


def signed(value: float | None) -> str:
    """A difference, its sign always written.

    >>> signed(0.5), signed(-0.019)
    ('+0.5000', '−0.0190')
    """
    if value is None or value < 0:
        return number(value)
    return f"+{number(value)}"


def percent(share: float) -> str:
    """
    >>> percent(1), percent(0.1), percent(0.125)
    ('100 %', '10 %', '12.5 %')
    """
    return f"{share * 100:.1f}".removesuffix(".0") + " %"


def moment(iso: str | None) -> str:
    """A moment (ISO 8601) in this machine's time zone, to the second."""
    if not iso:
        return "–"
    return f"{datetime.fromisoformat(iso).astimezone():%Y-%m-%d %H:%M:%S}"


def count(amount: int, thing: str) -> str:
    """
    >>> count(1, "file"), count(3, "file")
    ('1 file', '3 files')
    """
    return f"{amount:,} {thing}" if amount == 1 else f"{amount:,} {thing}s"
