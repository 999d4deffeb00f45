"""Pure rules: variables, conditions for entering a stage, and what comes next in one.

A condition is met when every rule succeeds. Then the stage is entered; else its result is engaged:
SKIP goes on with the next stage, FAIL ends the execution. A rule that cannot be evaluated is
neither: it must not skip a review, so it fails the stage whatever the result says.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

Scopes = Mapping[str, Mapping[str, str]]

REFERENCE = re.compile(r"#\{([^{}]*)\}")
NAME = r"[A-Za-z0-9@\-_]+"
WELL_FORMED = re.compile(rf"({NAME})\.({NAME})")

# Namespaces that no action may take.
PIPELINE_SCOPE = "variables"
EXECUTION_SCOPE = "codepipeline"
EXECUTION_KEYS = ("PipelineExecutionId",)


class VariableError(Exception):
    """A reference that is not well formed, or that names nothing."""


def references(text: str) -> Iterator[tuple[str, str]]:
    """Yield (namespace, key) of every reference.

    >>> list(references("a #{variables.model} of #{Bundle.VersionId}"))
    [('variables', 'model'), ('Bundle', 'VersionId')]
    """
    for found in REFERENCE.finditer(text):
        parts = WELL_FORMED.fullmatch(found[1])
        if parts is None:
            raise VariableError(
                "Valid format for a pipeline execution variable reference is a namespace and a"
                f" key separated by a period (.). The following pipeline execution variables are"
                f" referencing a namespace that does not exist or are not well formed: {found[0]}"
            )
        yield parts[1], parts[2]


def resolve(text: str, scopes: Scopes) -> str:
    """Replace every reference by its value; what a value holds is not looked into again.

    >>> resolve("#{a.b}!", {"a": {"b": "#{a.b}"}})
    '#{a.b}!'
    """
    list(references(text))  # raises for one that is not well formed

    def value(found: re.Match[str]) -> str:
        namespace, _, key = found[1].partition(".")
        try:
            return scopes[namespace][key]
        except KeyError:
            raise VariableError(
                "The following pipeline execution variables are referencing values that could"
                f" not be resolved: {found[0]}"
            ) from None

    return REFERENCE.sub(value, text)


def resolve_all(configuration: Mapping[str, str], scopes: Scopes) -> dict[str, str]:
    """Resolve every value of a configuration."""
    return {key: resolve(value, scopes) for key, value in configuration.items()}


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


class Next(Enum):
    """What an execution in a stage does now."""

    WAIT = "wait"
    START = "start"
    SUCCEED = "succeed"
    FAIL = "fail"


@dataclass(frozen=True)
class Step:
    """The next step; `actions` are those to start."""

    next: Next
    actions: tuple[Mapping[str, Any], ...] = ()


def step(actions: Sequence[Mapping[str, Any]], statuses: Mapping[str, str]) -> Step:
    """Decide by the declared actions and the statuses of those that have run (by name).

    Actions of one runOrder start together; the next runOrder begins when all of them have
    succeeded, and a failure counts when none of them runs any more.
    """
    for order in sorted({action["runOrder"] for action in actions}):
        group = [action for action in actions if action["runOrder"] == order]
        found = [statuses.get(action["name"]) for action in group]
        if "InProgress" in found:
            return Step(Next.WAIT)
        if any(status in ("Failed", "Abandoned") for status in found):
            return Step(Next.FAIL)
        missing = tuple(action for action in group if action["name"] not in statuses)
        if missing:
            return Step(Next.START, missing)
    return Step(Next.SUCCEED)


def to_repeat(statuses: Mapping[str, str], mode: str) -> list[str]:
    """The actions (by name) that a retry of the stage forgets, so that they run again.

    >>> to_repeat({"a": "Succeeded", "b": "Failed"}, "FAILED_ACTIONS")
    ['b']
    """
    return [
        name for name, status in statuses.items() if mode == "ALL_ACTIONS" or status != "Succeeded"
    ]


def may_enter(mode: str, execution: int, inside: Sequence[int], waiting: Sequence[int]) -> bool:
    """Whether an execution may enter a stage, by the numbers of the others in and before it."""
    if mode == "PARALLEL":
        return True
    if inside:
        return False
    # SUPERSEDED has ended the older ones by now; QUEUED lets the oldest go first.
    return mode == "SUPERSEDED" or all(execution < other for other in waiting)
