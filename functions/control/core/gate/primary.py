"""The primary metric of a candidate and its champion, as facts about the verdict carry it."""

from __future__ import annotations

from core.gate.rule import champion_in, metric_of
from core.reading import Document, estimate, part
from core.report.fact import MetricResult


def primary_result(evaluation: Document) -> MetricResult | None:
    """None where the evaluation names no primary metric; what it has no number of is None."""
    primary = evaluation.get("primary")
    if not isinstance(primary, str) or not primary:
        return None
    champion = champion_in(evaluation)
    compared = None if champion is None else part(evaluation, "difference", primary)
    difference = estimate(compared)
    return MetricResult(
        name=primary,
        candidate=metric_of(part(evaluation, "candidate"), primary),
        champion=metric_of(champion, primary),
        difference=difference.value if difference else None,
        low=difference.low if difference else None,
        high=difference.high if difference else None,
    )
