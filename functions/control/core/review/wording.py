"""Puts numbers, sizes, times and foreign text into words a reader takes in at once."""

import math
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime

from core.numbers import finite
from core.review.reading import Estimate

MINUS = "−"  # U+2212: as wide as a digit, and read out as "minus"
MISSING = "not reported"
SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

# What each metric is called in full. The direction comes from lifecycle.metrics.
METRIC_NAMES = {
    "rmse": "root mean squared error, in the target's unit",
    "mae": "mean absolute error, in the target's unit",
    "mape": "mean absolute error as a share of the true value",
    "r2": "share of the target's variance explained",
    "auc": "area under the ROC curve",
    "average_precision": "area under the precision-recall curve",
    "log_loss": "logarithmic loss of the predicted probabilities",
    "brier": "mean squared error of the predicted probabilities",
    "accuracy": "share of rows predicted right",
    "precision": "share of predicted positives that are positive",
    "recall": "share of positives that are found",
    "f1": "harmonic mean of precision and recall",
    "macro_f1": "F1 averaged over classes, each counting the same",
}
# Names of people and initials; the others are written as in model.yaml.
WRITTEN_NAMES = {
    "brier": "Brier score",
    "rmse": "RMSE",
    "mae": "MAE",
    "mape": "MAPE",
    "r2": "R²",
    "auc": "AUC",
    "f1": "F1",
}


def metric_label(name: str) -> str:
    """How a metric is written in a heading or a sentence; one of nothing but space has no name.

    >>> metric_label("macro_f1"), metric_label("auc"), metric_label("_")
    ('macro F1', 'AUC', 'unnamed metric')
    """
    written = WRITTEN_NAMES.get(name, name.replace("_", " ").replace(" f1", " F1"))
    return written if written.strip() else "unnamed metric"


def clean(text: str) -> str:
    """Make text safe to show: nothing invisible, nothing that reorders its neighbours, one line.

    Escaping for HTML is the template's business. This is about what escaping leaves alone: control
    characters, which HTML forbids; lone surrogates, which UTF-8 cannot hold; and direction
    overrides, which can make a name read backwards.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else _shown(character) for character in text
    )


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Zs", "Zl", "Zp"} or character in "\t\n\r\v\f":
        return " "
    if (
        character in "\u200c\u200d"
    ):  # joiners: Persian, Indic scripts and emoji are wrong without them
        return character
    return f"[U+{ord(character):04X}]"


def shorten(text: str, limit: int) -> str:
    """Cut the middle out of a long text, so that names that differ at the end stay apart."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[: limit - tail - 1]}…{text[len(text) - tail :]}"


def text(value: object, otherwise: str = MISSING) -> str:
    """Foreign scalar as text; not yet cleaned or escaped. One of nothing but space is missing."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return otherwise
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number(value)
    return str(value)


def number(value: object) -> str:
    """Four significant digits, thousands separated; fewer where that is the exact value.

    >>> [number(x) for x in (2.1034567, 0.05, 12345.678, 3, -0.00001234, None)]
    ['2.103', '0.05', '12,346', '3', '−1.234×10⁻⁵', 'not reported']
    """
    known = finite(value)
    if known is None:
        return MISSING
    if known == 0:
        return "0"
    size = abs(known)
    if 1e-4 <= size < 1e12:
        if size >= 999.95:
            written = f"{size:,.0f}"
        else:
            written = f"{size:.4g}"
            if float(written) != size:
                written = f"{size:#.4g}".rstrip(".")
    else:
        digits, exponent = f"{size:.4g}".partition("e")[::2]
        if not exponent:
            digits, exponent = f"{size:.3e}".split("e")
        written = f"{digits}×10{str(int(exponent)).translate(SUPERSCRIPT)}"
    return MINUS + written if known < 0 else written


def signed(value: object) -> str:
    """A difference: its sign always shown."""
    known = finite(value)
    return f"+{number(known)}" if known is not None and known > 0 else number(known)


def alike(values: Sequence[float | None], digits: int = 4, *, sign: bool = False) -> list[str]:
    """Numbers to be compared with each other: all with the decimals that suit the largest.

    >>> alike([0.0034, -0.001511, 0.008071], 3, sign=True)
    ['+0.00340', '−0.00151', '+0.00807']
    >>> alike([4.1, 12.15, None])
    ['4.10', '12.15', 'not reported']
    """
    write = signed if sign else number
    known = [value for value in values if value is not None]
    largest = max((abs(value) for value in known), default=0.0)
    if not 1e-4 <= largest < 1e12:
        return [write(value) for value in values]
    most = min(max(digits - 1 - math.floor(math.log10(largest)), 0), 8)
    # Values that someone typed, or counts, need no more decimals than they have.
    places = next(
        (few for few in range(most) if all(round(value, few) == value for value in known)), most
    )
    return [MISSING if value is None else _with_places(value, places, sign) for value in values]


def _with_places(value: float, places: int, sign: bool) -> str:
    written = f"{abs(value):,.{places}f}"
    if not written.strip("0.,"):
        return written  # rounded to nothing: neither more nor less
    return f"{MINUS if value < 0 else '+' if sign else ''}{written}"


def estimated(each: Estimate | None, *, sign: bool = False) -> tuple[str, str]:
    """(value, interval in words) of an estimate; the interval is empty when there is none."""
    if each is None:
        return "not computed", ""
    digits = 3 if sign else 4
    value, *ends = alike([each.value, each.low, each.high], digits, sign=sign)
    return value, "" if each.low is None else " to ".join(ends)


def sentence(words: str) -> str:
    """The words with a capital first; `str.capitalize` would write "Roc curve"."""
    return words[:1].upper() + words[1:]


def count(value: object) -> str:
    """A whole number in full, thousands separated."""
    known = finite(value)
    return MISSING if known is None else (f"{known:,.0f}" if abs(known) < 1e15 else number(known))


def counted(value: object, thing: str) -> str:
    """A count with its noun: "1 row", "1,204 rows"."""
    return f"{count(value)} {thing}" if finite(value) == 1 else f"{count(value)} {thing}s"


def percent(value: object) -> str:
    """A share of 1 as per cent; a small one is not rounded away."""
    known = finite(value)
    if known is None:
        return MISSING
    hundredths = known * 100
    if hundredths == 0:
        return "0 %"
    if abs(hundredths) < 0.1:
        return f"{number(float(f'{hundredths:.1g}'))} %"
    return (
        f"{hundredths:,.1f} %".replace("-", MINUS)
        if abs(hundredths) < 1e12
        else f"{number(hundredths)} %"
    )


def duration(value: object) -> str:
    """Seconds as a person would say them."""
    seconds = finite(value)
    if seconds is None or seconds < 0:
        return MISSING
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds >= 0.1 or seconds == 0 else f"{seconds * 1000:.0f} ms"
    if seconds >= 1e9:
        return f"{number(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


def size(value: object) -> str:
    """Bytes in decimal units."""
    known = finite(value)
    if known is None or known < 0:
        return MISSING
    if known < 1000:
        return counted(known, "byte")
    power = min(int(math.log10(known)) // 3, 4)
    return f"{known / 1000**power:,.1f} {('kB', 'MB', 'GB', 'TB')[power - 1]}"


def moment(value: object) -> tuple[str, str]:
    """(in words, ISO 8601) of a time in UTC; the ISO form is empty when it is not a time."""
    try:
        at = datetime.fromisoformat(str(value))
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return text(value), ""
    return f"{at.day} {at:%B} {at.year}, {at:%H:%M} UTC", at.isoformat(timespec="seconds")
