"""Where the marks and lines of a model's trend go. Pure geometry: a template turns it into SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.metrics import DIRECTION
from core.reading import Estimate
from core.review.charts import Scale, Tick, around, ticks
from core.words.formats import counted, day
from core.words.metrics import MetricFormat, metric_label
from kanmon.trend.points import KINDS, Kind, Point, Trend

WIDTH, LEFT, RIGHT = 640, 78, 622
TOP, FLOOR = 14, 150
# A legend's entries stand in columns below the axis.
COLUMNS, COLUMN, ROW, LEGEND = 3, 190, 24, 204
# Of so many runs, each has an interval of its own and a label; of more, they are a band.
MOST_LABELS, MOST_SPANS = 14, 60

Place = tuple[float, float]


@dataclass(frozen=True)
class Mark:
    """A run: its place, and its interval's ends where it has one of its own."""

    kind: Kind
    x: float
    y: float
    low: float | None
    high: float | None
    label: str


@dataclass(frozen=True)
class Entry:
    """An entry of the legend: a kind of mark, or `champion` or `bar` for a line."""

    what: str
    words: str
    x: float
    y: float


@dataclass(frozen=True)
class Chart:
    """One metric over the runs. `band` goes round all intervals, `champion` through what each run's
    champion had on the same rows, in pieces; `bar` is the gate's."""

    title: str
    description: str
    marks: tuple[Mark, ...]
    size: float
    axis: tuple[Tick, ...]
    days: tuple[Tick, ...]
    band: tuple[Place, ...]
    champion: tuple[tuple[Place, ...], ...]
    bar: float | None
    legend: tuple[Entry, ...]
    height: int
    width: int = WIDTH
    left: int = LEFT
    right: int = RIGHT
    floor: int = FLOOR


def draw(trend: Trend, metric: str) -> Chart | None:
    """The chart of a metric; None where no run was measured by it."""
    found = trend.of(metric)
    if not found:
        return None
    write, bar = trend.write(metric), trend.floors.get(metric)
    champions = [point.champion.get(metric) for point, _ in found]
    values = [end for _, e in found for end in (e.value, e.low, e.high) if end is not None]
    values += [each.value for each in champions if each is not None]
    bar = bar if bar is not None and _near(bar, values) else None
    scale = around([*values, *([] if bar is None else [bar])], FLOOR, TOP)
    across = Scale(0, len(found) - 1, LEFT + 24, RIGHT - 24)
    many = len(found) > MOST_SPANS
    marks = tuple(
        _mark(point, each, across.at(place), scale, spans=not many)
        for place, (point, each) in enumerate(found)
    )
    lines = _pieces(champions, across, scale)
    legend = _legend(marks, champion=bool(lines), bar=bar)
    return Chart(
        f"{metric_label(metric)} of {trend.model}",
        describe(trend, metric, found, write),
        marks,
        2.5 if many else 5.0,
        ticks(scale),
        () if len(found) <= MOST_LABELS else _days(found, across),
        _band(found, across, scale) if many else (),
        lines,
        None if bar is None else scale.at(bar),
        legend,
        LEGEND + ROW * -(-len(legend) // COLUMNS),
    )


def describe(
    trend: Trend, metric: str, found: Sequence[tuple[Point, Estimate]], write: MetricFormat
) -> str:
    """The chart in words."""
    label = metric_label(metric)
    newest, last = found[-1]
    best = _best(metric, found)
    parts = [
        f"{label} of {counted(len(found), 'run')}, from {_day(found[0][0])} to {_day(newest)}",
        f"the newest has {_value(last, write)}",
        f"the best of them {write.value(best)}",
    ]
    serving = [(point, each) for point, each in found if point.kind == "in service"]
    for point, each in serving[-1:]:
        number = point.release.release if point.release else "?"
        parts.append(f"release {number}, which is in service, {_value(each, write)}")
    bar = trend.floors.get(metric)
    if bar is not None:
        parts.append(f"the gate's bar is {write.threshold(bar)}")
    return "; ".join(parts)


def _day(point: Point) -> str:
    return day(point.judged_at[:10])


def _value(each: Estimate, write: MetricFormat) -> str:
    interval = write.interval(each)
    return f"{write.value(each)} ({interval})" if interval else write.value(each)


def _best(metric: str, found: Sequence[tuple[Point, Estimate]]) -> Estimate:
    choose = max if DIRECTION.get(metric) == "higher" else min
    return choose((each for _, each in found), key=lambda each: each.value)


def _mark(point: Point, each: Estimate, x: float, scale: Scale, *, spans: bool) -> Mark:
    low, high = each.low, each.high
    return Mark(
        point.kind,
        x,
        scale.at(each.value),
        scale.at(low) if spans and low is not None else None,
        scale.at(high) if spans and high is not None else None,
        str(point.release.release) if point.release else "–",
    )


def _near(bar: float, values: Sequence[float]) -> bool:
    """Is the bar so near that the values can still be told apart beside it?"""
    low, high = min(values), max(values)
    room = 2 * (high - low) or abs(low)
    return low - room <= bar <= high + room


def _pieces(
    champions: Sequence[Estimate | None], across: Scale, scale: Scale
) -> tuple[tuple[Place, ...], ...]:
    """Neighbouring runs that had a champion; a lone one has a short line of its own."""
    pieces: list[list[Place]] = [[]]
    for place, each in enumerate(champions):
        if each is None:
            pieces.append([])
        else:
            pieces[-1].append((across.at(place), scale.at(each.value)))
    return tuple(tuple(piece) if len(piece) > 1 else _dash(*piece[0]) for piece in pieces if piece)


def _dash(x: float, y: float) -> tuple[Place, ...]:
    return (x - 8, y), (x + 8, y)


def _band(
    found: Sequence[tuple[Point, Estimate]], across: Scale, scale: Scale
) -> tuple[Place, ...]:
    """Round all intervals: along the upper ends, and back along the lower ones."""
    known = [
        (across.at(place), each.low, each.high)
        for place, (_, each) in enumerate(found)
        if each.low is not None and each.high is not None
    ]
    upper = [(x, scale.at(high)) for x, _, high in known]
    return (*upper, *((x, scale.at(low)) for x, low, _ in reversed(known)))


def _days(found: Sequence[tuple[Point, Estimate]], across: Scale) -> tuple[Tick, ...]:
    last = len(found) - 1
    return tuple(Tick(across.at(place), _day(found[place][0])) for place in (0, last))


def _legend(marks: Sequence[Mark], *, champion: bool, bar: float | None) -> tuple[Entry, ...]:
    there = {mark.kind for mark in marks}
    words = [(str(kind), str(kind)) for kind in KINDS if kind in there]
    words += [("champion", "champion, same rows")] if champion else []
    words += [("bar", "the gate's bar")] if bar is not None else []
    return tuple(
        Entry(what, text, 20 + COLUMN * (place % COLUMNS), LEGEND + ROW * (place // COLUMNS))
        for place, (what, text) in enumerate(words)
    )
