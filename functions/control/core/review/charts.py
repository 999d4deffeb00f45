"""Computes where things go in the page's drawings. Pure geometry: the template turns it into SVG.

Every drawing is 320 units wide, which is also about the width of a phone, so that its text is never
scaled to less than it was designed for. Coordinates have one decimal: the same numbers give the
same page, byte for byte.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from core.reading import Estimate
from core.words.catalogue import say
from core.words.formats import MINUS, alike, counted, number
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
    """An interval against zero in the middle of a width of 100, for a table's cell."""

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
    description: str


@dataclass(frozen=True)
class DifferenceChart:
    """Candidate minus champion, zero in the middle and the better side always to the right."""

    strip: Strip
    ticks: tuple[Tick, ...]
    description: str


@dataclass(frozen=True)
class Point:
    """A mark at a place, with its radius or its height."""

    x: float
    y: float
    extent: float


@dataclass(frozen=True)
class ScatterChart:
    """Marks between two axes, and the line (x1, y1, x2, y2) on which all would be well."""

    points: tuple[Point, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    baseline: tuple[float, float, float, float]
    description: str


@dataclass(frozen=True)
class HistogramChart:
    """Bars standing on an axis; `zero` is where zero lies, or None when it is off the axis."""

    bars: tuple[tuple[float, float, float, float], ...]
    ticks: tuple[Tick, ...]
    zero: float | None
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
    description = say("review.chart.intervals", metric=name, models="; ".join(descriptions))
    return IntervalChart(tuple(rows), axis, 38 * len(models) + 34, description)


def reach(differences: Sequence[Estimate]) -> float:
    """How far from zero the farthest end of any interval lies."""
    ends = [
        abs(end)
        for each in differences
        for end in (each.value, each.low, each.high)
        if end is not None
    ]
    return max(ends, default=0.0)


def strip(difference: Estimate, farthest: float, better: str, width: float = 100) -> Strip:
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
        description,
    )


def _round_below(value: float) -> float:
    """The largest 1, 2 or 5 times a power of ten not above the value; 0 for extreme ones."""
    if not 1e-290 < value < 1e290:
        return 0.0
    size = 10.0 ** math.floor(math.log10(value))
    return size * max(factor for factor in (0.5, 1, 2, 5) if size * factor <= value)


def calibration_chart(points: Sequence[tuple[float, float, float]]) -> ScatterChart:
    """Observed share over predicted probability; each point is (predicted, observed, rows)."""
    across, up = Scale(0, 1, 40, WIDTH - 14), Scale(0, 1, 250, 14)
    most = max((rows for _, _, rows in points), default=0) or 1
    placed = tuple(
        Point(across.at(predicted), up.at(observed), round(2.5 + 5.5 * math.sqrt(rows / most), 1))
        for predicted, observed, rows in points
    )
    axis = [(value, f"{value:g}") for value in (0.0, 0.25, 0.5, 0.75, 1.0)]
    return ScatterChart(
        placed,
        tuple(Tick(across.at(value), label) for value, label in axis),
        tuple(Tick(up.at(value), label) for value, label in axis),
        (across.at(0), up.at(0), across.at(1), up.at(1)),
        say("review.calibration.description", groups=counted(len(points), "row_group")),
    )


def residual_chart(points: Sequence[tuple[float, float]]) -> ScatterChart:
    """Mean residual over mean prediction; each point is (predicted, mean residual)."""
    across = around([predicted for predicted, _ in points], 52, WIDTH - 14)
    up = around([0.0, *(residual for _, residual in points)], 190, 10)
    placed = tuple(Point(across.at(predicted), up.at(mean), 4) for predicted, mean in points)
    return ScatterChart(
        placed,
        ticks(across),
        ticks(up),
        (52, up.at(0), WIDTH - 14, up.at(0)),
        say("review.residuals.deciles_description", groups=counted(len(points), "row_group")),
    )


def histogram_chart(edges: Sequence[float], counts: Sequence[float]) -> HistogramChart:
    """Counts between edges, which rise; one edge more than counts."""
    across = Scale(edges[0], edges[-1], 8, WIDTH - 8)
    most = max(counts) or 1
    bars = []
    for (low, high), rows in zip(pairwise(edges), counts, strict=True):
        left, right = across.at(low), across.at(high)
        height = round(130 * rows / most, 1)
        # A gap of one unit keeps neighbours apart without relying on colour.
        bars.append((left, round(140 - height, 1), round(max(right - left - 1, 0.5), 1), height))
    inside = edges[0] <= 0 <= edges[-1]
    return HistogramChart(
        tuple(bars),
        tuple(tick for tick in ticks(across, 4) if 20 <= tick.at <= WIDTH - 20),
        across.at(0) if inside else None,
        say(
            "review.residuals.description",
            bars=counted(len(bars), "bar"),
            low=number(edges[0]),
            high=number(edges[-1]),
        ),
    )
