"""Evaluations and verdicts for tests of the primary rule."""

from typing import Any

from core.definition.schema import ModelDefinition
from core.gate.rule import Rule, Verdict
from tests.support.control_cases import DEFINITION, passing_evaluation


def primary(metric: str, **gate: Any) -> ModelDefinition:
    """The definition with this primary metric and these settings of its gate."""
    content = DEFINITION.model_dump()
    content["metrics"] = {"primary": metric, "also": ["auc", "log_loss", "recall"]}
    content["gate"] |= gate
    return ModelDefinition.model_validate(content)


def interval(low: float, high: float, metric: str = "auc", **other: Any) -> dict[str, Any]:
    """The passing evaluation with this interval of the difference to the champion."""
    evaluation = passing_evaluation()
    evaluation["difference"] = {metric: {"value": (low + high) / 2, "low": low, "high": high}}
    return {**evaluation, "reference": None, **other}


def rule(verdict: Verdict, which: str = "champion") -> Rule:
    [found] = [each for each in verdict.rules if each.name == f"{which} non-inferiority"]
    return found
