"""The case before the reader: everything the page is made from, by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from core.reading import NOTHING, Document, Estimate, estimate, finite, listed, mapping, mappings
from core.words.catalogue import say
from core.words.formats import text
from core.words.metrics import MetricFormat, metric_format

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Case:
    """A run's documents and how many rows a table may show."""

    plan: Document
    evaluation: Document
    verdict: Document
    directions: Mapping[str, Direction]
    training: Document = field(default_factory=dict)
    preprocess: Document = field(default_factory=dict)
    champion_definition: Document = field(default_factory=dict)
    # trials.json of a run that searched for parameters.
    trials: Document = field(default_factory=dict)
    # Empty for the page of a run: its candidate may never become a release.
    release: Document = field(default_factory=dict)
    cost: Document = field(default_factory=dict)
    limit: int = 60

    @property
    def definition(self) -> Document:
        """The definition the run used, defaults filled in."""
        return mapping(mapping(self.plan.get("definition")).get("content"))

    @property
    def metrics(self) -> list[str]:
        """Names of the evaluated metrics, the primary one first; as many as a page can hold."""
        names = [name for name in listed(self.evaluation.get("metrics")) if isinstance(name, str)]
        primary = self.evaluation.get("primary")
        first = [primary] if isinstance(primary, str) and primary else []
        return list(dict.fromkeys([*first, *names]))[: min(self.limit, 16)]

    @property
    def champion(self) -> Document:
        """The model in service, from the run plan; empty when there is none."""
        return mapping(self.plan.get("champion")) or mapping(self.evaluation.get("champion"))

    @property
    def champion_name(self) -> str:
        """The release in service as people call it; where the plan has none, its package."""
        release = finite(self.champion.get("release"))
        if release is not None:
            return say("review.lineage.champion_release", number=f"{release:.0f}")
        return say("review.lineage.champion_version", version=text(self.champion.get("version")))

    @property
    def compares(self) -> bool:
        """Whether the champion was scored on the same rows."""
        return bool(mapping(self.evaluation.get("champion")))

    def better(self, metric: str) -> Direction | None:
        """Which way the metric is better, None for a metric we do not know."""
        return self.directions.get(metric)

    def scored(self, who: Literal["candidate", "champion"], metric: str) -> Estimate | None:
        """A metric of one of the two models over all test rows."""
        return estimate(mapping(mapping(self.evaluation.get(who)).get("metrics")).get(metric))

    def difference(self, metric: str) -> Estimate | None:
        """Candidate minus champion over all test rows."""
        return estimate(mapping(self.evaluation.get("difference")).get(metric))

    def write(self, metric: str) -> MetricFormat:
        """How the metric's values are written."""
        known = self._formats
        if metric not in known:
            known[metric] = metric_format(self.evaluation, metric)
        return known[metric]

    @cached_property
    def _formats(self) -> dict[str, MetricFormat]:
        """The formats asked for so far: a page has them in every row of its tables."""
        return {}

    @property
    def fewest_segment_rows(self) -> float:
        """Segments and groups with fewer test rows are shown but not judged."""
        return finite(mapping(self.definition.get("gate")).get("minimum_segment_rows")) or 0.0

    def rules(self) -> list[Document]:
        """The gate's rules, in its order."""
        return mappings(self.verdict.get("rules"))

    def notes(self) -> list[str]:
        """What the gate says besides its rules."""
        return [note for note in listed(self.verdict.get("notes")) if isinstance(note, str)]

    def gate(self, key: str) -> Document:
        """One of the gate's settings by metric, e.g. its floors."""
        return mapping(mapping(self.definition.get("gate")).get(key)) or NOTHING
