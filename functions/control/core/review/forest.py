"""Differences or scores under each other on one axis: all metrics, or all segments of one.

Each row has its name and value in a line of its own above its mark, so that no name is squeezed
beside the drawing. Better is always to the right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.reading import Estimate
from core.review.charts import LARGEST, WIDTH, Scale, Tick, around, difference_scale, reach, ticks
from core.review.tables import Tone
from core.words.catalogue import say
from core.words.formats import clean
from core.words.lists import clauses
from core.words.metrics import MetricFormat
from core.words.widths import fitted

# A name that shares its line with a value.
LONGEST_NAME = 30
PITCH, TOP = 31, 32
# Standardised differences beyond this are drawn at the end of the axis.
FARTHEST = 8.0


@dataclass(frozen=True)
class Entry:
    """What a row is about: its name, its value in words, what it shows, and its reading."""

    name: str
    value: str
    shown: Estimate | None
    tone: Tone = ""
    reading: str = ""


@dataclass(frozen=True)
class ForestRow:
    """A row's places; `at` is None where there is no number, `low` and `high` without interval."""

    name: str
    value: str
    tone: Tone
    y: float
    at: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ForestChart:
    """Rows over one axis, and the line they are compared with, if any."""

    rows: tuple[ForestRow, ...]
    ticks: tuple[Tick, ...]
    line: float | None
    height: int
    axis: str
    description: str
    # Whether a mark lies beyond the axis and is drawn at its end.
    beyond: bool = False


def standardised(difference: Estimate | None) -> Estimate | None:
    """A difference in units of half its interval's width: beyond 1 from zero it is clear.

    None without an interval, or with one of no width but away from zero: it has no unit.
    """
    if difference is None or difference.low is None or difference.high is None:
        return None
    half = difference.high / 2 - difference.low / 2
    if half <= 0:
        return Estimate(0.0, 0.0, 0.0) if difference.value == 0 else None
    ends = (difference.value / half, difference.low / half, difference.high / half)
    value, low, high = (min(max(end, -LARGEST), LARGEST) for end in ends)
    return Estimate(value, low, high)


def overview_chart(entries: Sequence[tuple[Entry, str]]) -> ForestChart:
    """All metrics' differences, standardised; each entry comes with its better direction."""
    turned = [
        (entry, _turned(standardised(entry.shown), better == "lower")) for entry, better in entries
    ]
    farthest = max(reach([each for _, each in turned if each]), 2.0)
    scale = difference_scale(min(farthest, FARTHEST), "higher", WIDTH)
    return ForestChart(
        _rows(turned, scale),
        ticks(scale, 6),
        scale.at(0),
        _height(len(turned)),
        say("review.overview.axis"),
        say("review.overview.description", rows=told([entry for entry, _ in entries])),
        beyond=farthest > FARTHEST,
    )


def _turned(each: Estimate | None, lower: bool) -> Estimate | None:
    """Better is positive."""
    if each is None or not lower:
        return each
    low, high = each.low, each.high
    return Estimate(-each.value, None if high is None else -high, None if low is None else -low)


def differences_chart(
    entries: Sequence[Entry], better: str, axis: str, description: str
) -> ForestChart:
    """Differences in one metric, in its own unit."""
    shown = [(entry, entry.shown) for entry in entries]
    scale = difference_scale(reach([each for _, each in shown if each]), better, WIDTH)
    return ForestChart(
        _rows(shown, scale),
        _inside(ticks(scale, 4)),
        scale.at(0),
        _height(len(shown)),
        axis,
        description,
    )


def scores_chart(
    entries: Sequence[Entry],
    overall: Estimate | None,
    better: str,
    axis: str,
    description: str,
) -> ForestChart | None:
    """Scores of one metric, and the score over all rows as the line; None without any."""
    known = [entry.shown.value for entry in entries if entry.shown]
    if not known:
        return None
    line = [] if overall is None else [overall.value]
    scale = around([*known, *line], 0, WIDTH)
    if better == "lower":
        scale = Scale(scale.high, scale.low, 0, WIDTH)
    return ForestChart(
        _rows([(entry, entry.shown) for entry in entries], scale),
        _inside(ticks(scale, 4)),
        None if overall is None else scale.at(overall.value),
        _height(len(entries)),
        axis,
        description,
    )


def score_entry(name: str, write: MetricFormat, score: Estimate | None) -> Entry:
    """A row of `scores_chart`."""
    return Entry(name, write.value(score), score)


def _rows(entries: Sequence[tuple[Entry, Estimate | None]], scale: Scale) -> tuple[ForestRow, ...]:
    rows = []
    for place, (entry, each) in enumerate(entries):
        low, high = None, None
        if each is not None and each.low is not None and each.high is not None:
            low, high = sorted((scale.at(each.low), scale.at(each.high)))
        value = entry.value
        if entry.reading:
            value = say("review.overview.value", value=entry.value, reading=entry.reading)
        rows.append(
            ForestRow(
                fitted(clean(entry.name), LONGEST_NAME),
                value,
                entry.tone,
                TOP + PITCH * place,
                None if each is None else scale.at(each.value),
                low,
                high,
            )
        )
    return tuple(rows)


def _inside(found: Sequence[Tick]) -> tuple[Tick, ...]:
    """Without the ticks whose labels would be cut at the drawing's edge."""
    inside = tuple(tick for tick in found if 16 <= tick.at <= WIDTH - 16)
    return inside or tuple(found)


def _height(rows: int) -> int:
    return TOP + PITCH * rows + 14


def told(entries: Sequence[Entry]) -> str:
    """The rows in words, for a reader who does not see the drawing."""
    rows = [
        say(
            "review.overview.row_with_reading",
            name=clean(entry.name),
            value=entry.value,
            reading=entry.reading,
        )
        if entry.reading
        else say("review.overview.row", name=clean(entry.name), value=entry.value)
        for entry in entries
    ]
    return clauses(rows)
