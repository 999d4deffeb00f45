"""Computes where things go in the page's drawings: courses over days, and shares before and now.

Pure geometry, as in `core.review.charts`: 320 units wide, one decimal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.review.charts import WIDTH, Scale, Tick, around, ticks
from core.words.formats import clean, number, short_day
from core.words.widths import fitted

LEFT, RIGHT = 54, WIDTH - 12
COURSE_FLOOR, COURSE_CEILING = 92, 22
SHARES_FLOOR, SHARES_CEILING = 120, 22
LONGEST_NAME = 26
ROW = 34
# As many categories are drawn; the numbers of all are in the table.
MOST_CATEGORIES = 8
# With more days the line has no marks: they would run into each other.
MOST_MARKS = 45


@dataclass(frozen=True)
class Point:
    """One day: where it is, and the ends of its interval where there is one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Course:
    """A value by day. `lines` are its parts between days without a value; `bar` is the threshold's
    or the earlier value's place, where it is known."""

    points: tuple[Point, ...]
    lines: tuple[tuple[tuple[float, float], ...], ...]
    ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    bar: float | None
    up: str
    description: str


@dataclass(frozen=True)
class Columns:
    """Shares in ranges of a number: now as columns, before as one line."""

    columns: tuple[tuple[float, float, float, float], ...]
    outline: tuple[tuple[float, float], ...]
    ticks: tuple[Tick, ...]
    description: str


@dataclass(frozen=True)
class CategoryRow:
    """A category's share now as a bar, and before as a mark on it."""

    name: str
    value: str
    y: float
    length: float
    before: float


@dataclass(frozen=True)
class Categories:
    """Shares of categories, the largest first."""

    rows: tuple[CategoryRow, ...]
    height: int
    description: str


@dataclass(frozen=True)
class Value:
    """A day's value, None where there is none, and its interval."""

    day: str
    value: float | None
    low: float | None = None
    high: float | None = None


def course(
    values: Sequence[Value],
    bar: float | None,
    up: str,
    description: str,
    reach: Sequence[float] = (),
) -> Course | None:
    """The drawing; None where no day has a value. The scale includes `reach`."""
    known = [each.value for each in values if each.value is not None]
    if not known:
        return None
    ends = [end for each in values for end in (each.low, each.high) if end is not None]
    seen = [*known, *ends, *reach, *([] if bar is None else [bar])]
    scale = around(seen, COURSE_FLOOR, COURSE_CEILING)
    across = Scale(0, max(len(values) - 1, 1), LEFT + 8, RIGHT - 8)
    points: list[Point | None] = [
        None
        if each.value is None
        else Point(
            across.at(place) if len(values) > 1 else round((LEFT + RIGHT) / 2, 1),
            scale.at(each.value),
            None if each.low is None else scale.at(each.low),
            None if each.high is None else scale.at(each.high),
        )
        for place, each in enumerate(values)
    ]
    # A lone day has no line.
    marked = len(values) <= MOST_MARKS or len(known) < 2
    return Course(
        tuple(point for point in points if point is not None) if marked else (),
        tuple(_connected(points)),
        _ends(values, across),
        ticks(scale, 2),
        None if bar is None else scale.at(bar),
        up,
        description,
    )


def _connected(points: Sequence[Point | None]) -> list[tuple[tuple[float, float], ...]]:
    """Runs of neighbouring days: a day without a value is no value between."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append((point.x, point.y))
    return [tuple(run) for run in runs if len(run) > 1]


def _ends(values: Sequence[Value], across: Scale) -> tuple[Tick, ...]:
    first = Tick(across.at(0) if len(values) > 1 else (LEFT + RIGHT) / 2, short_day(values[0].day))
    if len(values) < 2:
        return (first,)
    return (first, Tick(across.at(len(values) - 1), short_day(values[-1].day)))


def columns(
    edges: Sequence[float], before: Sequence[float], now: Sequence[float], description: str
) -> Columns:
    """Equally wide columns for the ranges, whose widths differ: many values are in narrow ones.

    There are as many shares as ranges: one more than edges, for what lies beyond both ends.
    """
    count = max(len(now), 1)
    across = Scale(0, count, LEFT, RIGHT)
    up = Scale(0, max([*before, *now, 0.0]) or 1.0, SHARES_FLOOR, SHARES_CEILING)
    drawn, outline = [], []
    for place, share in enumerate(now):
        left, right, top = across.at(place), across.at(place + 1), up.at(share)
        drawn.append(
            (left, top, round(max(right - left - 1, 0.5), 1), round(SHARES_FLOOR - top, 1))
        )
    for place, share in enumerate(before[:count]):
        outline += [(across.at(place), up.at(share)), (across.at(place + 1), up.at(share))]
    inner = max(len(edges) - (count - 1), 0)
    named = list(edges[inner // 2 : inner // 2 + count - 1])
    marks = [(place + 1, edge) for place, edge in enumerate(named)]
    kept = [marks[0], marks[-1]] if len(marks) > 1 else marks
    return Columns(
        tuple(drawn),
        tuple(outline),
        tuple(Tick(across.at(place), number(edge, 3)) for place, edge in kept),
        description,
    )


def categories(
    shares: Sequence[tuple[str, float, float]], write: Sequence[str], description: str
) -> Categories:
    """Each is (category, before, now); `write` has their values as text."""
    most = max((share for _, *both in shares for share in both), default=0.0) or 1.0
    scale = Scale(0, most, 0, WIDTH)
    rows = tuple(
        CategoryRow(
            fitted(clean(name), LONGEST_NAME),
            text,
            12 + ROW * place,
            scale.at(now),
            scale.at(before),
        )
        for place, ((name, before, now), text) in enumerate(zip(shares, write, strict=True))
    )
    return Categories(rows, ROW * len(rows) + 6, description)
