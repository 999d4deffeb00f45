"""kanmon trend."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.words.formats import local_moment
from core.words.metrics import metric_label
from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Verb, complete_model, current
from kanmon.terminal.screen import coloured, cut, shown_path, table

if TYPE_CHECKING:
    from core.reading import Estimate
    from kanmon.trend.points import Point, Trend


@click.command(
    cls=Verb,
    name="trend",
    examples="""
    kanmon trend abalone
    kanmon trend abalone --metric mae
    kanmon trend abalone --svg abalone.svg    the chart of the console's page
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.option("--metric", help="Show this metric  [default: the newest run's primary one]")
@click.option(
    "--svg",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the chart to this file.",
)
def command(model: str, metric: str | None, file: Path | None) -> None:
    """Show a model's metric over all its runs and releases, newest first.

    Each value is of the test rows of its own run; what the champion of that day had on the same
    rows stands beside it. At most the 500 newest judged runs are shown.
    """
    from kanmon.trend.reading import trend_of

    invocation = current()
    invocation.require_model(model)
    screen = invocation.screen
    trend = trend_of(invocation.connection, model)
    if not trend.points and file is None and metric is None:
        screen.say(f"No run of {model} has metrics yet; `kanmon runs {model}` lists its runs")
        screen.document(_document(trend, None))
        return
    shown = trend.metric(metric)
    for line in _lines(trend, shown):
        screen.say(cut(line))
    if file is not None:
        _write(trend, shown, file)
        screen.say(f"Written to {shown_path(file)}")
    screen.document(_document(trend, shown))


def _write(trend: "Trend", metric: str, file: Path) -> None:
    from kanmon.trend.chart import draw
    from kanmon.trend.drawing import svg

    chart = draw(trend, metric)
    if chart is None:
        raise BadInputError(f"no run of {trend.model} was measured by {metric!r}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(svg(chart), encoding="utf-8")


def _lines(trend: "Trend", metric: str) -> list[str]:
    from kanmon.trend.display import notes, rows

    cells = [
        [
            row.point.run,
            local_moment(row.point.judged_at),
            row.value,
            row.interval,
            row.champion,
            coloured(row.point.verdict),
            "" if row.point.release is None else f"release {row.point.release.release}",
            row.point.kind,
        ]
        for row in rows(trend, metric)
    ]
    heading = ["run", "judged", metric_label(metric), "95 % interval", "champion", "verdict"]
    return [*table(cells, [*heading, "", "became"], "llrlr"), *notes(trend, metric)]


def _document(trend: "Trend", metric: str | None) -> dict[str, Any]:
    return {
        "model": trend.model,
        "metric": metric,
        "metrics": list(trend.metrics),
        "bar": trend.floors.get(metric or ""),
        "runs": [_run(point, metric) for point in reversed(trend.points)],
        "unjudged": trend.unjudged,
        "older": trend.older,
    }


def _run(point: "Point", metric: str | None) -> dict[str, Any]:
    def numbers(found: "Estimate | None") -> dict[str, float | None] | None:
        return None if found is None else vars(found)

    return {
        "run": point.run,
        "judged_at": point.judged_at,
        "verdict": point.verdict,
        "became": point.kind,
        "release": point.release.release if point.release else None,
        "value": numbers(point.metrics.get(metric or "")),
        "champion": numbers(point.champion.get(metric or "")),
    }
