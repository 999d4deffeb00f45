"""What a model's runs measured, in their order, and what became of each candidate. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from core.reading import Document, Estimate, estimate, finite, mappings, part
from core.stage.release_records import Release, Status
from core.words.metrics import MetricFormat, metric_format
from kanmon.errors import BadInputError

# What became of a candidate, in the order in which a legend names it.
Kind = Literal["in service", "was in service", "candidate", "held", "rejected", "rolled back"]
KINDS: tuple[Kind, ...] = (
    "in service",
    "was in service",
    "candidate",
    "held",
    "rejected",
    "rolled back",
)


@dataclass(frozen=True)
class Point:
    """A judged run. `champion` is what the champion of that day had on the same test rows."""

    run: str
    judged_at: str
    verdict: str
    kind: Kind
    metrics: Mapping[str, Estimate]
    champion: Mapping[str, Estimate] = field(default_factory=dict)
    release: Release | None = None


@dataclass(frozen=True)
class Trend:
    """The judged runs of a model, oldest first.

    metrics: what the newest run was measured by, its primary metric first, then what only earlier
    ones were. floors: the gate's bars of the newest run. unjudged: runs that have no metrics, since
    they failed, were stopped, had nothing new or have not ended. older: judged runs left out.
    """

    model: str
    points: Sequence[Point] = ()
    metrics: Sequence[str] = ()
    floors: Mapping[str, float] = field(default_factory=dict)
    unjudged: int = 0
    older: int = 0

    def metric(self, wanted: str | None) -> str:
        """The metric to show. Raises BadInputError for one that no run was measured by."""
        if wanted is None:
            if not self.metrics:
                raise BadInputError(
                    f"no run of {self.model} has metrics",
                    f"`kanmon runs {self.model}` shows how they ended.",
                )
            return self.metrics[0]
        if wanted not in self.metrics:
            raise BadInputError(
                f"no run of {self.model} was measured by {wanted!r}",
                f"There is {', '.join(self.metrics) or 'none'}.",
            )
        return wanted

    def of(self, metric: str) -> list[tuple[Point, Estimate]]:
        """The runs that were measured by the metric, oldest first."""
        return [(one, one.metrics[metric]) for one in self.points if metric in one.metrics]

    def write(self, metric: str) -> MetricFormat:
        """The decimals of the metric's values: those of its newest one."""
        found = self.of(metric)
        if not found:
            return MetricFormat(None)
        newest, each = found[-1]
        sides = {"candidate": each, "champion": newest.champion.get(metric)}
        return metric_format(
            {
                side: {"metrics": {metric: vars(value)}}
                for side, value in sides.items()
                if value is not None
            },
            metric,
        )


def points_of(
    lines: Iterable[Document], releases: Mapping[str, Release]
) -> tuple[list[Point], list[str]]:
    """The runs, oldest first, from their lines of the metrics table; and their metrics by name.

    `releases` are by run.
    """
    ordered = sorted(lines, key=lambda line: (str(line.get("judged_at")), str(line.get("run"))))
    points = [_point(line, releases.get(str(line.get("run")))) for line in ordered]
    names: dict[str, None] = {}
    for line in reversed(ordered):
        names |= dict.fromkeys(str(each.get("name")) for each in mappings(line.get("metrics")))
    known = {name for point in points for name in point.metrics}
    return points, [name for name in names if name in known]


def _point(line: Document, release: Release | None) -> Point:
    found = {str(each.get("name")): each for each in mappings(line.get("metrics"))}
    theirs = {
        name: estimate({end: each.get(f"champion_{end}") for end in ("value", "low", "high")})
        for name, each in found.items()
    }
    own = {name: estimate(each) for name, each in found.items()}
    verdict = str(line.get("verdict"))
    return Point(
        str(line.get("run")),
        str(line.get("judged_at")),
        verdict,
        kind_of(verdict, release),
        {name: each for name, each in own.items() if each is not None},
        {name: each for name, each in theirs.items() if each is not None},
        release,
    )


def kind_of(verdict: str, release: Release | None) -> Kind:
    """What became of a candidate.

    >>> kind_of("promote", None), kind_of("reject", None)
    ('candidate', 'rejected')
    """
    if release is not None:
        if release.in_service:
            return "in service"
        if release.status == Status.PROMOTED:
            return "was in service"
        if release.status in (Status.ROLLED_BACK, Status.FAILED):
            return "rolled back"
        if release.status in (Status.REJECTED, Status.EXPIRED):
            return "rejected"
    return "rejected" if verdict == "reject" else "held" if verdict == "hold" else "candidate"


def floors_of(definition: Document) -> dict[str, float]:
    """The gate's absolute bars by metric."""
    floors = {name: finite(bar) for name, bar in part(definition, "gate", "floors").items()}
    return {name: bar for name, bar in floors.items() if bar is not None}
