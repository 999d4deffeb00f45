"""A rule's outcome, a verdict, and what the rules read of the models in an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.reading import NOTHING, Document, finite, part
from core.words.catalogue import say
from core.words.metrics import metric_label
from core.words.steps import translated

Outcome = Literal["pass", "hold", "reject"]
Decision = Literal["promote", "hold", "reject"]
# The models that a candidate is compared with.
Rival = Literal["champion", "reference"]


@dataclass(frozen=True)
class Rule:
    """One threshold (`bar`) and whether the candidate passes it.

    `gap` is the distance to it, in the metric's unit: positive on the passing side.
    """

    name: str
    metric: str | None
    segment: str | None
    value: float | None
    bar: float | None
    gap: float | None
    outcome: Outcome
    words: str


@dataclass(frozen=True)
class Verdict:
    """`reject` if any rule rejects, else `hold` if any holds, else `promote`.

    `notes` are no rules: what a reader must know of the evaluation to weigh them.
    """

    verdict: Decision
    summary: str
    rules: tuple[Rule, ...]
    notes: tuple[str, ...] = ()


def champion_in(evaluation: Document) -> Document | None:
    """None only where the evaluation says that there is none; a broken one is empty."""
    if "champion" in evaluation and evaluation["champion"] is None:
        return None
    return part(evaluation, "champion")


def reference_in(evaluation: Document) -> Document | None:
    """None where there is none besides the champion; a broken one is empty.

    An evaluation of format 1 was made before there was a reference.
    """
    if evaluation.get("reference") is None and (
        "reference" in evaluation or evaluation.get("format") == 1
    ):
        return None
    return part(evaluation, "reference")


def obstacle_of(rival: Document | None) -> str:
    """Why a model could not be scored on this run's rows; empty where it could be."""
    reason = (rival or NOTHING).get("obstacle")
    return reason if isinstance(reason, str) else ""


def metric_of(model: Document | None, metric: str) -> float | None:
    """A model's value of a metric over all test rows."""
    return finite(part(model or NOTHING, "metrics", metric).get("value"))


def nothing_to_compare(rule: str, metric: str) -> Rule:
    """The rule of a candidate without a champion passes."""
    words = say("gate.metric", metric=metric_label(metric), words=say("gate.no_champion"))
    return Rule(rule, metric, None, None, None, None, "pass", words)


def not_comparable(rule: str, metric: str, obstacle: str) -> Rule:
    """Held, for a person to weigh: a definition may change on purpose."""
    words = say("gate.metric", metric=metric_label(metric), words=translated(obstacle))
    return Rule(rule, metric, None, None, None, None, "hold", words)
