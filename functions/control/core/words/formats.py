"""How numbers, times, sizes and text from elsewhere are written for people. Pure.

The same value reads the same on the review page, in the terminal, in mail and in the registry:

- A number has four significant digits, fewer where that is its exact value; thousands have commas.
  It is scientific only below 0.0001 and from 10¹² on.
- Values that are compared have the same decimals (`alike`; a metric: `core.words.metrics`).
- A value and its threshold that would look alike get as many digits as tell them apart (`apart`).
- The minus sign is U+2212. A moment is in the stage's time zone, which it names.
- Units, dates and what stands between the parts of a list are the language's, in the catalogue.

Files for programs keep all digits of a number, and `timestamp` writes their times.
"""

import math
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Protocol

from core.reading import finite
from core.words.catalogue import say
from core.words.language import speech

MINUS = "−"  # U+2212: as wide as a digit, and read out as "minus"
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_DIGITS = 4


class Write(Protocol):
    """A way to write a number, with more significant digits where asked for."""

    def __call__(self, value: float, digits: int = ..., /) -> str: ...


def number(value: object, digits: int = _DIGITS) -> str:
    """
    >>> [number(x) for x in (2.1034567, 0.05, 12345.678, 3, -0.00001234, None)]
    ['2.103', '0.05', '12,346', '3', '−1.234×10⁻⁵', 'not reported']
    """
    known = finite(value)
    if known is None:
        return say("missing.not_reported")
    if known == 0:
        return "0"
    # The power of ten after rounding: 999.96 is written as 1,000.
    mantissa, power = f"{abs(known):.{digits - 1}e}".split("e")
    if _is_ordinary(known):
        places = max(digits - 1 - int(power), 0)
        written = trimmed(f"{abs(known):,.{places}f}", abs(known))
    else:
        written = (
            f"{trimmed(mantissa, float(mantissa))}×10{str(int(power)).translate(_SUPERSCRIPT)}"
        )
    return MINUS + written if known < 0 else written


def _is_ordinary(value: float) -> bool:
    return value == 0 or 1e-4 <= abs(value) < 1e12


def trimmed(written: str, value: float) -> str:
    """Without zeros at the end where it is the exact value: what someone typed, or a count."""
    if "." not in written or float(written.replace(",", "").replace(MINUS, "-")) != value:
        return written
    return written.rstrip("0").rstrip(".")


def signed(value: object) -> str:
    """A difference: its sign is always shown.

    >>> signed(0.5), signed(-0.5), signed(0.0)
    ('+0.5', '−0.5', '0')
    """
    known = finite(value)
    return f"+{number(known)}" if known is not None and known > 0 else number(known)


def apart(
    one: float, other: float, write: Write = number, write_other: Write | None = None
) -> tuple[str, str]:
    """Both, with as many digits as it takes to tell them apart.

    >>> apart(2.50001, 2.5), apart(2.15, 2.5)
    (('2.50001', '2.5'), ('2.15', '2.5'))
    """
    write_other = write_other or write
    texts = write(one), write_other(other)
    digits = _DIGITS
    while _look_alike(*texts) and one != other and digits < 17:
        digits += 1
        texts = write(one, digits), write_other(other, digits)
    return texts


def _look_alike(one: str, other: str) -> bool:
    """Whether two written numbers differ at most by zeros at their end."""
    return _without_zeros(one) == _without_zeros(other)


def _without_zeros(written: str) -> str:
    whole, _, rest = written.removesuffix("%").rstrip().partition(".")
    return f"{whole}.{rest.rstrip('0')}"


def decimals(values: Sequence[float | None], digits: int = _DIGITS) -> int | None:
    """How many decimals the largest needs for so many significant digits; fewer where all are
    exact with fewer, and None where decimals do not suit it.

    >>> decimals([2.1034567, 0.05]), decimals([0.25, 0.5]), decimals([1e15])
    (3, 2, None)
    """
    known = [value for value in values if value is not None]
    largest = max((abs(value) for value in known), default=0.0)
    if not _is_ordinary(largest):
        return None
    most = max(digits - 1 - math.floor(math.log10(largest)), 0) if largest else 0
    return next(
        (few for few in range(most) if all(round(value, few) == value for value in known)), most
    )


def fixed(value: float | None, places: int | None, *, sign: bool = False) -> str:
    """A number with so many decimals; None of them means its own.

    >>> fixed(0.00829, 3), fixed(-1234.5, 1), fixed(0.0001, 2, sign=True)
    ('0.008', '−1,234.5', '0.00')
    """
    if value is None or places is None:
        return signed(value) if sign else number(value)
    written = f"{abs(value):,.{places}f}"
    if not written.strip("0.,"):
        return written  # rounded to nothing: neither more nor less
    return f"{MINUS if value < 0 else '+' if sign else ''}{written}"


def alike(
    values: Sequence[float | None], digits: int = _DIGITS, *, sign: bool = False
) -> list[str]:
    """Numbers to be compared with each other: all with the decimals that suit the largest.

    >>> alike([0.0034, -0.001511, 0.008071], 3, sign=True)
    ['+0.00340', '−0.00151', '+0.00807']
    >>> alike([4.1, 12.15, None])
    ['4.10', '12.15', 'not reported']
    """
    places = decimals(values, digits)
    return [fixed(value, places, sign=sign) for value in values]


def interval(low: str, high: str) -> str:
    """The two ends of an interval, written; empty where there is none."""
    return say("number.interval", low=low, high=high) if low and high else ""


def sentence(words: str) -> str:
    """The words with a capital first; `str.capitalize` would write "Roc curve".

    Japanese has no capitals: what is in Latin letters there is a name.
    """
    return words if speech().language == "ja" else words[:1].upper() + words[1:]


def count(value: object) -> str:
    """A whole number in full, thousands separated."""
    known = finite(value)
    if known is None:
        return say("missing.not_reported")
    return f"{known:,.0f}".replace("-", MINUS) if abs(known) < 1e15 else number(known)


def counted(value: object, thing: str) -> str:
    """A count with its noun, one of the catalogue's [things].

    >>> counted(1, "row"), counted(1204, "row")
    ('1 row', '1,204 rows')
    """
    form = "one" if finite(value) == 1 else "other"
    return say(f"things.{thing}.{form}", count=count(value))


def percent(share: object, digits: int | None = None) -> str:
    """A share of 1 with one decimal; a small one is not rounded away.

    >>> percent(1), percent(0.125), percent(0.1234), percent(0.99999), percent(0.0004)
    ('100 %', '12.5 %', '12.3 %', '100.0 %', '0.04 %')
    """
    known = finite(share)
    if known is None:
        return say("missing.not_reported")
    # Decimal shares are not exact in binary: 100 × 0.07 is not 7.
    hundredths = round(known * 100, 12)
    if digits is not None or not 0.1 <= abs(hundredths) < 1e12:
        written = number(hundredths, 1 if digits is None else digits)
    else:
        written = trimmed(f"{hundredths:,.1f}", hundredths).replace("-", MINUS)
    return say("number.percent", number=written)


def duration(seconds: object) -> str:
    """
    >>> duration(0.042), duration(12.34), duration(75), duration(4000)
    ('42 ms', '12.3 s', '1 min 15 s', '1 h 06 min')
    """
    known = finite(seconds)
    if known is None or known < 0:
        return say("missing.not_reported")
    if known < 59.95 and 0 < known < 0.0995:
        return say("duration.milliseconds", number=f"{known * 1000:.0f}")
    if known < 59.95 or known >= 1e9:
        written = f"{known:.1f}" if known < 59.95 else number(known)
        return say("duration.seconds", number=written)
    minutes, rest = divmod(round(known), 60)
    if minutes < 60:
        return say("duration.minutes", minutes=minutes, seconds=f"{rest:02d}")
    return say("duration.hours", hours=f"{minutes // 60:,}", minutes=f"{minutes % 60:02d}")


def size(amount: object) -> str:
    """Bytes in decimal units, with three significant digits.

    >>> size(0), size(999), size(217_321), size(12_400_000_000)
    ('0 B', '999 B', '217 kB', '12.4 GB')
    """
    known = finite(amount)
    if known is None or known < 0:
        return say("missing.not_reported")
    unit = "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if known < 999.5:
            break
        known, unit = known / 1000, larger
    return f"{number(known, 3)} {unit}"


def dollars(amount: float) -> str:
    """An amount of US dollars; cents where it has some, else four decimals, or two digits.

    >>> dollars(1.234), dollars(0.00412), dollars(0.0000123), dollars(0)
    ('1.23', '0.0041', '0.000012', '0.0000')
    """
    if 0 < amount < 0.0001:
        return f"{amount:.{1 - math.floor(math.log10(amount))}f}"
    return f"{amount:,.2f}" if amount >= 0.1 else f"{amount:.4f}"


def timestamp(at: datetime) -> str:
    """A moment for programs.

    >>> timestamp(datetime(2026, 11, 21, 5, 55, 1, tzinfo=UTC))
    '2026-11-21T05:55:01Z'
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parsed(value: object) -> datetime | None:
    """The time that ISO 8601 text holds, in UTC; without a zone it is taken as UTC."""
    try:
        at = datetime.fromisoformat(str(value))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def moment(value: object, zone: tzinfo | None = None) -> str:
    """A moment for people, from ISO 8601, with its zone; without one given, the stage's.

    >>> moment("2026-11-21T06:55:01+01:00"), moment("yesterday"), moment(None)
    ('2026-11-21 05:55:01 UTC', 'yesterday', 'not reported')
    """
    at = parsed(value)
    return text(value) if at is None else _written(value, at, zone or speech().zone)


def _written(value: object, at: datetime, zone: tzinfo | None) -> str:
    """The moment in a zone; None is the machine's."""
    try:
        here = at.astimezone(zone)
        name = here.tzname() or ""
        # Many zones have no letters of their own: -03.
        known = f"UTC{name.replace('-', MINUS)}" if name[:1] in ("+", "-") else name
        return say("time.moment", at=here, zone=known)
    except (ValueError, OverflowError):  # at the very ends of the calendar
        return text(value)


def day(value: object) -> str:
    """A day for people, from ISO 8601.

    >>> day("2026-11-21"), day("soon"), day(None)
    ('2026-11-21', 'soon', 'not reported')
    """
    at = _date(value)
    return text(value) if at is None else say("time.day", at=at)


def short_day(value: object) -> str:
    """Month and day, where the year is told elsewhere.

    >>> short_day("2026-11-21"), short_day("soon")
    ('11-21', 'soon')
    """
    at = _date(value)
    return text(value) if at is None else say("time.short_day", at=at)


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def local_moment(value: object) -> str:
    """A moment in this machine's time zone, for the terminal; a dash where there is none."""
    at = parsed(value)
    if at is None:
        return text(value) if value else "–"
    return _written(value, at, None)


def text(value: object, otherwise: str | None = None) -> str:
    """Foreign scalar as text; not yet cleaned or escaped. One of nothing but space is missing."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return say("missing.not_reported") if otherwise is None else otherwise
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number(value)
    return str(value)


def one_line(value: object, longest: int | None = None) -> str:
    """Text on one line without control characters, cut at its end where it is too long.

    >>> one_line("two\\n lines"), one_line("far too long", 8)
    ('two lines', 'far too…')
    """
    printable = "".join(c if c.isprintable() else " " for c in str(value))
    line = " ".join(printable.split())
    return line if longest is None or len(line) <= longest else f"{line[: longest - 1]}…"


def clean(text: str) -> str:
    """Make text safe to show: nothing invisible, nothing that reorders its neighbours, one line.

    Escaping for HTML is the template's business. This is about what escaping leaves alone: control
    characters, which HTML forbids; lone surrogates, which UTF-8 cannot hold; and direction
    overrides, which can make a name read backwards.
    """
    if text.isprintable():
        return text
    # Each odd character is looked up once: a hostile text has many of the same.
    odd = {character for character in text if not character.isprintable()}
    return text.translate({ord(character): _shown(character) for character in odd})


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Zs", "Zl", "Zp"} or character in "\t\n\r\v\f":
        return " "
    # Joiners: Persian, Indic scripts and emoji are wrong without them.
    if character in "\u200c\u200d":
        return character
    return f"[U+{ord(character):04X}]"


def shorten(text: str, limit: int) -> str:
    """Cut the middle out of a long text, so that names that differ at the end stay apart."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[: limit - tail - 1]}…{text[len(text) - tail :]}"
