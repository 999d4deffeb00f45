"""Where marks and lines go between two axes: calibration, curves, residuals, predictions.

The champion, where it is known, is drawn behind the candidate, in a form and a colour of its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.review.charts import WIDTH, Model, Scale, Tick, around, ticks
from core.words.catalogue import say
from core.words.formats import counted, number

HEIGHT, FLOOR, CEILING, RIGHT = 266, 222, 22, WIDTH - 12
BARS_HEIGHT, BARS_FLOOR = 200, 156
# Room for the labels of an axis of shares, and of any other.
NARROW, WIDE = 34, 54

Place = tuple[float, float]


@dataclass(frozen=True)
class Mark:
    """A mark at a place, with its radius."""

    x: float
    y: float
    extent: float


@dataclass(frozen=True)
class Series:
    """One model's marks, the places its line goes through, and its many small dots."""

    model: Model
    marks: tuple[Mark, ...] = ()
    line: tuple[Place, ...] = ()
    dots: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Plot:
    """Series between two axes, and the line (x1, y1, x2, y2) on which all would be well."""

    series: tuple[Series, ...]
    left: int
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    baseline: tuple[float, float, float, float] | None
    across: str
    up: str
    description: str

    @property
    def compares(self) -> bool:
        """Whether the champion is drawn, too."""
        return any(each.model == "champion" for each in self.series)


@dataclass(frozen=True)
class Histogram:
    """Bars standing on an axis; `zero` is where zero lies, or None when it is off the axis."""

    bars: tuple[tuple[float, float, float, float], ...]
    outline: tuple[Place, ...]  # the champion's bars as one line
    ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    zero: float | None
    across: str
    description: str


def _shares(left: int) -> tuple[Scale, Scale, tuple[Tick, ...], tuple[Tick, ...]]:
    """Two axes from 0 to 1, with their ticks."""
    across, up = Scale(0, 1, left, RIGHT), Scale(0, 1, FLOOR, CEILING)
    axis = [(value, f"{value:g}") for value in (0.0, 0.25, 0.5, 0.75, 1.0)]
    return (
        across,
        up,
        tuple(Tick(across.at(value), label) for value, label in axis),
        tuple(Tick(up.at(value), label) for value, label in axis),
    )


def calibration_plot(
    models: Sequence[tuple[Model, Sequence[tuple[float, float, float]]]],
) -> Plot:
    """Observed share over predicted probability; each point is (predicted, observed, rows)."""
    across, up, x_ticks, y_ticks = _shares(NARROW)
    most = max((rows for _, points in models for _, _, rows in points), default=0) or 1
    series = tuple(
        Series(
            model,
            tuple(
                Mark(
                    across.at(predicted),
                    up.at(observed),
                    round(2.5 + 3.5 * math.sqrt(rows / most), 1),
                )
                for predicted, observed, rows in points
            ),
        )
        for model, points in models
    )
    groups = counted(len(models[-1][1]), "row_group")
    return Plot(
        series,
        NARROW,
        x_ticks,
        y_ticks,
        (across.at(0), up.at(0), across.at(1), up.at(1)),
        say("review.calibration.across"),
        say("review.calibration.up"),
        say("review.calibration.description", groups=groups),
    )


def curve_plot(
    models: Sequence[tuple[Model, Sequence[Place], Place | None]],
    ideal: tuple[float, float, float, float],
    words: tuple[str, str, str],
) -> Plot:
    """A curve of each model between two shares, and a mark where its threshold is.

    `ideal` is the line of a model that knows nothing; `words` the axes' names, and what it says.
    """
    across, up, x_ticks, y_ticks = _shares(NARROW)
    series = tuple(
        Series(
            model,
            () if mark is None else (Mark(across.at(mark[0]), up.at(mark[1]), 4.5),),
            tuple((across.at(x), up.at(y)) for x, y in points),
        )
        for model, points, mark in models
    )
    x1, y1, x2, y2 = ideal
    return Plot(
        series,
        NARROW,
        x_ticks,
        y_ticks,
        (across.at(x1), up.at(y1), across.at(x2), up.at(y2)),
        *words,
    )


def residual_plot(models: Sequence[tuple[Model, Sequence[Place]]]) -> Plot:
    """Mean residual over mean prediction; each point is (predicted, mean residual)."""
    every = [point for _, points in models for point in points]
    across = around([predicted for predicted, _ in every], WIDE, RIGHT)
    up = around([0.0, *(residual for _, residual in every)], FLOOR, CEILING)
    series = tuple(
        Series(model, tuple(Mark(across.at(x), up.at(y), 4.0) for x, y in points))
        for model, points in models
    )
    return Plot(
        series,
        WIDE,
        inside(ticks(across)),
        ticks(up),
        (WIDE, up.at(0), RIGHT, up.at(0)),
        say("review.residuals.deciles_across"),
        say("review.residuals.deciles_up"),
        say(
            "review.residuals.deciles_description",
            groups=counted(len(models[-1][1]), "row_group"),
        ),
    )


def predictions_plot(points: Sequence[Place]) -> Plot:
    """Predicted over actual values, both on the same range; each point is (actual, predicted)."""
    every = [value for point in points for value in point]
    across, up = around(every, WIDE, RIGHT), around(every, FLOOR, CEILING)
    return Plot(
        (Series("candidate", dots=tuple((across.at(x), up.at(y)) for x, y in points)),),
        WIDE,
        inside(ticks(across)),
        ticks(up),
        (WIDE, FLOOR, RIGHT, CEILING),
        say("review.predictions.across"),
        say("review.predictions.up"),
        say("review.predictions.description", rows=counted(len(points), "test_row")),
    )


def trials_plot(points: Sequence[Place], metric: str, *, higher: bool) -> Plot:
    """A search's trials; each point is (number, value). The line is the best so far.

    The worst tenth does not set the scale: what lies off it is drawn at the edge.
    """
    best, line = points[0][1], list[Place]()
    for at, value in points:
        best = max(best, value) if higher else min(best, value)
        line.append((at, best))
    ordered = sorted((value for _, value in points), reverse=higher)
    kept = ordered[: max(2, math.ceil(0.9 * len(ordered)))]
    across = Scale(0, points[-1][0], WIDE, RIGHT)
    up = around([*kept, points[0][1]], FLOOR, CEILING)
    end = next(at for at, value in points if value == best)
    series = Series(
        "candidate",
        (Mark(across.at(end), up.at(best), 4.5),),
        tuple((across.at(at), up.at(value)) for at, value in line),
        tuple((across.at(at), up.at(value)) for at, value in points),
    )
    return Plot(
        (series,),
        WIDE,
        inside(tuple(tick for tick in ticks(across) if "." not in tick.label)),
        ticks(up),
        None,
        say("review.search.across"),
        metric,
        say("review.search.description", trials=counted(len(points), "trial"), metric=metric),
    )


def histogram_plot(
    edges: Sequence[float],
    counts: Sequence[float],
    name: str,
    across: str,
    beside: Sequence[float] = (),
) -> Histogram:
    """Counts between edges, which rise, one more than counts; `beside` are the champion's."""
    scale = Scale(edges[0], edges[-1], WIDE - 10, RIGHT)
    most = max([*counts, *beside]) or 1
    up = Scale(0, most, BARS_FLOOR, CEILING)
    bars = []
    for (low, high), rows in zip(pairwise(edges), counts, strict=True):
        left, right, top = scale.at(low), scale.at(high), up.at(rows)
        # A gap of one unit keeps neighbours apart without relying on colour.
        width = round(max(right - left - 1, 0.5), 1)
        bars.append((left, top, width, round(BARS_FLOOR - top, 1)))
    outline: list[Place] = []
    for (low, high), rows in zip(pairwise(edges), beside, strict=bool(beside)):
        outline += [(scale.at(low), up.at(rows)), (scale.at(high), up.at(rows))]
    whole = tuple(tick for tick in ticks(up) if "." not in tick.label)
    within = edges[0] <= 0 <= edges[-1]
    return Histogram(
        tuple(bars),
        tuple(outline),
        inside(ticks(scale, 4)),
        whole,
        scale.at(0) if within else None,
        across,
        say(
            "review.chart.histogram",
            name=name,
            bars=counted(len(bars), "bar"),
            low=number(edges[0]),
            high=number(edges[-1]),
        ),
    )


def inside(found: Sequence[Tick]) -> tuple[Tick, ...]:
    """Without the ticks whose labels would be cut at the drawing's right edge."""
    kept = tuple(tick for tick in found if tick.at <= WIDTH - 16)
    return kept or tuple(found)
