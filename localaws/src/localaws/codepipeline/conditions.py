"""Conditions for entering a stage: VariableCheck rules, and what follows from them.

A condition is met when every rule succeeds. Then the stage is entered; else its result is engaged:
SKIP goes on with the next stage, FAIL ends the execution. A rule that cannot be evaluated is
neither: it must not skip a review, so it fails the stage whatever the result says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.codepipeline.variables import Scopes, VariableError, resolve_all

OPERATORS = ("EQ", "NE", "CONTAINS", "MATCHES")
RESULTS = ("FAIL", "SKIP")

SUCCEEDED, FAILED, ERRORED = "Succeeded", "Failed", "Errored"


@dataclass(frozen=True)
class Checked:
    """How one rule came out, with its configuration as it was after resolving variables."""

    name: str
    status: str
    summary: str
    resolved: Mapping[str, str]


def check_variable(configuration: Mapping[str, str]) -> bool:
    """Whether a VariableCheck passes; raises re.error for an expression that is none.

    >>> check_variable({"Variable": "manual", "Value": "manual", "Operator": "EQ"})
    True
    >>> check_variable({"Variable": "v12", "Value": "v[0-9]", "Operator": "MATCHES"})
    False
    """
    variable, value = configuration["Variable"], configuration["Value"]
    match configuration["Operator"]:
        case "EQ":
            return variable == value
        case "NE":
            return variable != value
        case "CONTAINS":
            return value in variable
        case _:
            return re.fullmatch(value, variable) is not None


def check_rule(rule: Mapping[str, Any], scopes: Scopes) -> Checked:
    """Evaluate one VariableCheck rule."""
    name = rule["name"]
    try:
        resolved = resolve_all(rule["configuration"], scopes)
        passed = check_variable(resolved)
    except VariableError as error:
        return Checked(name, ERRORED, str(error), {})
    except re.error as error:
        words = f"The value is not a regular expression: {error}"
        return Checked(name, ERRORED, words, resolved)
    shown = f"{resolved['Variable']!r} {resolved['Operator']} {resolved['Value']!r}"
    if passed:
        return Checked(name, SUCCEEDED, f"VariableCheck passed: {shown}", resolved)
    return Checked(name, FAILED, f"VariableCheck failed: {shown}", resolved)


def fold(checked: list[Checked]) -> str:
    """The condition's status from its rules'.

    >>> fold([Checked("a", "Succeeded", "", {}), Checked("b", "Failed", "", {})])
    'Failed'
    """
    statuses = {rule.status for rule in checked}
    return ERRORED if ERRORED in statuses else FAILED if FAILED in statuses else SUCCEEDED
