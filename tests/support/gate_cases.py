"""The passing evaluation with changes, and the rules of a verdict."""

from typing import Any

from hypothesis import strategies as st

from core.definition.schema import ModelDefinition
from core.gate.rule import Rule, Verdict
from tests.support.control_cases import DEFINITION, passing_evaluation

SEVERITY = {"pass": 0, "hold": 1, "reject": 2}
values = st.floats(-10, 10, allow_nan=False)


def with_gate(**gate: Any) -> ModelDefinition:
    """The definition with other settings of its gate."""
    changes = DEFINITION.gate.model_copy(update=gate)
    return DEFINITION.model_copy(update={"gate": changes})


def rules(verdict: Verdict, name: str, metric: str | None = None) -> list[Rule]:
    return [
        rule
        for rule in verdict.rules
        if rule.name == name and (metric is None or rule.metric == metric)
    ]


def changed(path: str, value: Any) -> dict[str, Any]:
    """The passing evaluation with one value replaced; `path` is dotted, `-` removes."""
    evaluation = passing_evaluation()
    *parents, last = path.split(".")
    part: Any = evaluation
    for name in parents:
        part = part[int(name) if name.isdigit() else name]
    if value == "-":
        del part[last]
    else:
        part[last] = value
    return evaluation
