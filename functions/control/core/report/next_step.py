"""What to do next about a fact, as a command. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from core.report.fact import Event, Fact, name_of, work_of

Step = Literal["decide", "show", "logs", "plan", "cost"]
# By event; about what is not here there is nothing to do.
_STEPS: Mapping[Event, Step] = {
    "release waits": "decide",
    "release reminder": "decide",
    "release failed": "show",
    "release rolled back": "show",
    "run failed": "logs",
    "batch failed": "logs",
    "monitoring failed": "logs",
    "job could not start": "plan",
    "late": "plan",
    "budget reached": "cost",
}
# A decision has two commands, which are words of the catalogue.
_COMMANDS: Mapping[Step, str] = {
    "show": "kanmon show {name} --stage {stage}",
    "logs": "kanmon logs {name} --stage {stage}",
    "plan": "kanmon plan {name} --explain --stage {stage}",
    "cost": "kanmon cost {name} --stage {stage}",
}


def next_step(fact: Fact) -> tuple[Step, str] | None:
    """What to do, and about what: a release, a run, a batch, a model; empty for the stage."""
    step = _STEPS.get(fact.event)
    if step is None:
        return None
    work = work_of(fact)
    return step, work[1] if step == "logs" and work else name_of(fact)


def next_command(fact: Fact) -> str | None:
    """
    >>> fact = Fact("run failed", "a/0", "kanmon-dev", "dev", "", "", model="churn", run="churn-1")
    >>> next_command(fact)
    'kanmon logs churn-1 --stage dev'
    """
    step = next_step(fact)
    command = _COMMANDS.get(step[0]) if step else None
    if step is None or command is None:
        return None
    # Without a name where it is about the stage: a command takes none then.
    return " ".join(command.format(name=step[1], stage=fact.stage).split())
