"""A model's trend as rows of a table, for the terminal and the console. Pure."""

from dataclasses import dataclass

from core.words.formats import counted
from core.words.metrics import metric_label
from kanmon.trend.points import Point, Trend


@dataclass(frozen=True)
class Row:
    """A run with its value, its interval and its champion's value as text; empty without one."""

    point: Point
    value: str
    interval: str
    champion: str


def rows(trend: Trend, metric: str) -> list[Row]:
    """The runs that were measured by the metric, newest first."""
    write = trend.write(metric)
    found = []
    for point, each in reversed(trend.of(metric)):
        theirs = point.champion.get(metric)
        champion = "" if theirs is None else write.value(theirs)
        found.append(Row(point, write.value(each), write.interval(each), champion))
    return found


def notes(trend: Trend, metric: str) -> list[str]:
    """The gate's bar, and what is not shown, and why."""
    bar = trend.floors.get(metric)
    without = len(trend.points) - len(trend.of(metric))
    found = [
        (without, f"not measured by {metric_label(metric)}"),
        (trend.unjudged, "without metrics: failed, stopped, nothing new, or not ended"),
        (trend.older, "judged before these"),
    ]
    first = [] if bar is None else [f"The gate's bar is {trend.write(metric).threshold(bar)}"]
    return [*first, *(f"{counted(number, 'run')} {why}" for number, why in found if number)]
