"""Computes where things go in the page's drawings. Pure geometry: the template turns it into SVG.

Every drawing is 320 units wide, which is also about the width of a phone, so that its text is never
scaled to less than it was designed for. Coordinates have one decimal: the same numbers give the
same page, byte for byte.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.reading import Estimate
from core.words.catalogue import say
from core.words.formats import MINUS, alike, number
from core.words.lists import clauses
from core.words.metrics import MetricFormat

WIDTH = 320
LARGEST = sys.float_info.max
Model = Literal["candidate", "champion"]


@dataclass(frozen=True)
class Scale:
    """Maps values to places, turned round where low > high; their difference may overflow."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The place of a value; outside the ends it stays at the nearer one."""
        unit = max(abs(self.low), abs(self.high)) or 1.0
        span = self.high / unit - self.low / unit
        share = (value / unit - self.low / unit) / span if span else 0.5
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 1)


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Bar:
    """A share of a full width of 100, for a table's cell; `marks` are thresholds on it."""

    length: float
    marks: tuple[float, ...] = ()


@dataclass(frozen=True)
class Strip:
    """The places of a value and of its interval's ends."""

    at: float
    low: float
    high: float


@dataclass(frozen=True)
class IntervalRow:
    """One model's value and interval; `low` and `high` are None without an interval."""

    model: Model
    label: str
    value: str
    y: float
    at: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class IntervalChart:
    """Candidate above champion on one axis."""

    rows: tuple[IntervalRow, ...]
    ticks: tuple[Tick, ...]
    height: int
    axis: str
    description: str


@dataclass(frozen=True)
class DifferenceChart:
    """Candidate minus champion, zero in the middle and the better side always to the right."""

    strip: Strip
    ticks: tuple[Tick, ...]
    axis: str
    description: str


def ticks(scale: Scale, about: int = 3) -> tuple[Tick, ...]:
    """Round values inside the scale, at most `about` + 1 of them."""
    low, high = min(scale.low, scale.high), max(scale.low, scale.high)
    span = high / 2 - low / 2
    ends = (Tick(scale.at(low), number(low)), Tick(scale.at(high), number(high)))
    if span == 0:
        return ends[:1]
    # Too fine or too coarse for a step that floating point can count by.
    if not 1e-290 < span < 1e290 or span < max(abs(low), abs(high)) * 1e-9:
        return ends
    size = 10.0 ** math.floor(math.log10(span * 2 / about))
    for multiple in (1, 2, 5, 10, 20):
        step = size * multiple
        first, last = math.ceil(low / step), math.floor(high / step)
        if last - first <= about:
            break
    values = [index * step for index in range(first, last + 1)]
    if not values:
        return ends
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return _thinned([Tick(scale.at(value), _tick_label(value, decimals)) for value in values])


def _tick_label(value: float, decimals: int) -> str:
    if decimals > 5 or abs(value) >= 1e6:
        return number(value)
    return f"{value + 0.0:,.{decimals}f}".replace("-", MINUS)


def _thinned(found: list[Tick]) -> tuple[Tick, ...]:
    """Every other tick where the labels would run into each other."""
    crowded = max(len(tick.label) for tick in found) > 8 and len(found) > 2
    return tuple(found[::2] if crowded else found)


def around(values: Sequence[float], start: float, end: float) -> Scale:
    """A scale that holds all values with some room at its ends."""
    low, high = min(values), max(values)
    room = (high / 2 - low / 2) * 0.2 or abs(low) * 0.05 or 0.5
    return Scale(max(low - room, -LARGEST), min(high + room, LARGEST), start, end)


def interval_chart(
    name: str, models: Sequence[tuple[Model, Estimate | None]], write: MetricFormat
) -> IntervalChart:
    """Each model's value and 95 % interval on one axis."""
    known = [each for _, each in models if each]
    values = [end for each in known for end in (each.value, each.low, each.high) if end is not None]
    scale = around(values, 108, WIDTH - 20) if values else Scale(0, 1, 108, WIDTH - 20)
    rows, descriptions = [], []
    for index, (model, each) in enumerate(models):
        y = 20 + 38 * index
        label, value, interval = (
            say(f"review.chart.model.{model}"),
            write.value(each),
            write.interval(each),
        )
        at = None if each is None else scale.at(each.value)
        low, high = None, None
        description = say("review.chart.value", model=label, value=value)
        if each is not None and each.low is not None and each.high is not None:
            low, high = scale.at(each.low), scale.at(each.high)
            description = say("review.chart.interval", model=label, value=value, interval=interval)
        rows.append(IntervalRow(model, label, value, y, at, low, high))
        descriptions.append(description)
    axis = ticks(scale) if values else ()
    description = say("review.chart.intervals", metric=name, models=clauses(descriptions))
    return IntervalChart(tuple(rows), axis, 38 * len(models) + 46, name, description)


def reach(differences: Sequence[Estimate]) -> float:
    """How far from zero the farthest end of any interval lies."""
    ends = [
        abs(end)
        for each in differences
        for end in (each.value, each.low, each.high)
        if end is not None
    ]
    return max(ends, default=0.0)


def strip(difference: Estimate, farthest: float, better: str, width: float) -> Strip:
    """Place a difference on an axis that reaches `farthest` both ways, better to the right."""
    scale = difference_scale(farthest, better, width)
    at = scale.at(difference.value)
    if difference.low is None or difference.high is None:
        return Strip(at, at, at)
    ends = sorted((scale.at(difference.low), scale.at(difference.high)))
    return Strip(at, ends[0], ends[1])


def difference_scale(farthest: float, better: str, width: float) -> Scale:
    """Zero in the middle; turned round where lower is better."""
    end = min(farthest * 1.15, LARGEST) or 1.0
    return Scale(end, -end, 0, width) if better == "lower" else Scale(-end, end, 0, width)


def difference_chart(
    name: str, difference: Estimate, better: str, write: MetricFormat
) -> DifferenceChart:
    """The paired difference and its interval against zero."""
    farthest = reach([difference])
    scale = difference_scale(farthest, better, WIDTH)
    step = _round_below(farthest * 0.8)
    values = [-step, 0.0, step] if step else [0.0]
    labels = alike(values, 2, sign=True)
    value, interval = write.difference(difference)
    description = say("review.chart.difference", metric=name, value=value)
    if interval:
        description = say(
            "review.chart.difference_interval", metric=name, value=value, interval=interval
        )
    return DifferenceChart(
        strip(difference, farthest, better, WIDTH),
        tuple(
            Tick(scale.at(at), label if at else "0")
            for at, label in zip(values, labels, strict=True)
        ),
        say("review.chart.minus", metric=name),
        description,
    )


def _round_below(value: float) -> float:
    """The largest 1, 2 or 5 times a power of ten not above the value; 0 for extreme ones."""
    if not 1e-290 < value < 1e290:
        return 0.0
    size = 10.0 ** math.floor(math.log10(value))
    return size * max(factor for factor in (0.5, 1, 2, 5) if size * factor <= value)
