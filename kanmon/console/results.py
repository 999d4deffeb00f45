"""What a run measured, for the console's pages: metrics, their course, the log of a failure."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.reading import Estimate, estimate, part
from core.review.charts import Scale, Tick, around, ticks
from core.stage.release_records import Release
from core.words.metrics import metric_format, metric_label
from kanmon.releases.evidence import unless_refused
from kanmon.runs.display import metric_rows
from kanmon.runs.execution import JOB_STATES, LAMBDA_STATES, Visit
from kanmon.runs.job_logs import step_log
from kanmon.stage.connection import read_json

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# Releases on the chart, each an object to read.
RELEASES_SHOWN = 12
LOG_LINES = 15
# The chart's size, and where its axes are.
WIDTH, HEIGHT, LEFT, BOTTOM = 640, 180, 90, 150


@dataclass(frozen=True)
class Results:
    """A run's metrics as rows of a table; `champion` says whether the last columns are filled."""

    rows: list[list[str]]
    champion: bool


@dataclass(frozen=True)
class Mark:
    """A release on the chart: its place, and its interval's ends if it has one."""

    release: Release
    x: float
    y: float
    low: float | None
    high: float | None
    value: str


@dataclass(frozen=True)
class Course:
    """The primary metric of the latest releases, oldest first, each on its own run's test rows."""

    metric: str
    marks: list[Mark]
    axis: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    bottom: int = BOTTOM

    @property
    def description(self) -> str:
        """The chart in words."""
        return "; ".join(f"release {one.release.release}: {one.value}" for one in self.marks)


def evaluation_of(connection: "Connection", model: str, run: str | None) -> dict[str, Any]:
    """The run's evaluation; empty before there is one."""
    key = f"runs/{model}/{run}/evaluate/evaluation.json"
    return dict(read_json(connection, key) or {}) if run else {}


def results_of(evaluation: dict[str, Any]) -> Results | None:
    """The table of metrics; None without an evaluation."""
    rows = metric_rows(evaluation)
    return Results(rows, bool(evaluation.get("champion"))) if rows else None


def course_of(connection: "Connection", releases: Sequence[Release]) -> Course | None:
    """The chart for a model's releases, which are sorted newest first; None for fewer than two."""
    shown = list(releases[:RELEASES_SHOWN])[::-1]
    connection.s3  # noqa: B018 - made here: clients are not made in several threads at once
    with ThreadPoolExecutor(8) as readers:
        found = list(readers.map(lambda one: evaluation_of(connection, one.model, one.run), shown))
    return draw(list(zip(shown, found, strict=True)))


def draw(found: Sequence[tuple[Release, dict[str, Any]]]) -> Course | None:
    """The chart from each release's evaluation, oldest first.

    The metric is the newest evaluation's primary one; a release without it is left out.
    """
    newest = next((each for _, each in reversed(found) if each.get("metrics")), None)
    if newest is None:
        return None
    metric = str(newest["metrics"][0])
    known: list[tuple[Release, Estimate]] = []
    for release, evaluation in found:
        each = estimate(part(evaluation, "candidate", "metrics").get(metric))
        if each is not None:
            known.append((release, each))
    if len(known) < 2:
        return None
    ends = [end for _, e in known for end in (e.value, e.low, e.high) if end is not None]
    scale = around(ends, BOTTOM, 12)
    across = Scale(0, len(known) - 1, LEFT + 40, WIDTH - 40)
    write = metric_format(newest, metric)
    marks = [
        Mark(
            release,
            across.at(place),
            scale.at(each.value),
            None if each.low is None else scale.at(each.low),
            None if each.high is None else scale.at(each.high),
            write.value(each),
        )
        for place, (release, each) in enumerate(known)
    ]
    return Course(metric_label(metric), marks, ticks(scale))


def failure_log(connection: "Connection", run: str, visits: Sequence[Visit]) -> list[str]:
    """The last lines that the last step of a failed run logged; none if no step was started."""
    states = (one.state for one in reversed(visits) if one.state in JOB_STATES | LAMBDA_STATES)
    last = next(states, None)
    if last is None:
        return []
    step = last.split()[0].lower()
    return unless_refused(
        lambda: [line.message.rstrip() for line in step_log(connection, run, step)[-LOG_LINES:]]
    )
