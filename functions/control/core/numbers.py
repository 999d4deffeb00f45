"""Numbers: read without trust, written so that a person can compare them."""

import math

_LARGEST = 1.7e308


def finite(value: object) -> float | None:
    """The number, or None for what is missing, not a number or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer beyond the range of floats
        return None
    return number if math.isfinite(number) else None


def settled(distance: float) -> float:
    """A distance without the noise of floating point, and within what JSON can hold.

    >>> settled(2.10 - 2.15 + 0.05)
    0.0
    """
    return round(min(max(distance, -_LARGEST), _LARGEST), 12) + 0.0


def written(number: float, digits: int = 4) -> str:
    """
    >>> written(2.123456), written(12345.6), written(1250000)
    ('2.123', '12346', '1250000')
    """
    if 10 ** (digits - 1) <= abs(number) < 1e15:
        return f"{number:.{max(digits - 5, 0)}f}"
    return f"{number:.{digits}g}"


def signed(number: float) -> str:
    """
    >>> signed(0.5), signed(-0.5), signed(0.0)
    ('+0.5', '-0.5', '0')
    """
    return f"+{written(number)}" if number > 0 else written(number)


def apart(one: float, other: float) -> tuple[str, str]:
    """Both, with as many digits as it takes to tell them apart.

    >>> apart(2.50001, 2.5)
    ('2.50001', '2.5')
    """
    for digits in range(4, 18):
        texts = written(one, digits), written(other, digits)
        if texts[0] != texts[1] or one == other:
            return texts
    return repr(one), repr(other)
