"""What a run has seen of its steps, kept for the next run's choice of rungs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.reading import finite, mapping
from core.runs.failure import explain
from core.runs.rungs import Seen

Document = dict[str, Any]

# Of a function that had too little memory, disk or time: its own word, and those of Lambda and Step
# Functions where it was ended with all it had. AWS: "Error handling in Step Functions", 2026.
OUTGREW = (
    *("StepOutgrewError", "Runtime.ExitError", "Runtime.OutOfMemory", "Sandbox.Timedout"),
    *("Lambda.Unknown", "States.Timeout"),
)
_USED = ("seconds", "cpu_seconds", "peak_memory_mb", "disk_mb")


def ran_of(
    ran: Mapping[str, Any], left_lambda: Mapping[str, Any], left_spot: Mapping[str, Any]
) -> dict[str, Document]:
    """Where each step ran: the workflow's word, and why it left Lambda or spot, where it did."""
    found = {step: dict(mapping(place)) for step, place in ran.items()}
    for name, left in (("left_lambda", left_lambda), ("left_spot", left_spot)):
        for step, error in left.items():
            said = mapping(error)
            words = explain(str(said.get("Error")), str(said.get("Cause") or "")).message
            found.setdefault(step, {})[name] = words
    return found


def seen_by(
    ran: Mapping[str, Document],
    left_lambda: Mapping[str, Any],
    usage: Mapping[str, Any],
    plan: Mapping[str, Any],
) -> dict[str, Document]:
    """What the next run is to know of each step.

    The plan has the data's size as text, and what the runs before knew: see Seen. Only an error of
    a function that was too small counts as outgrowing it.
    """
    mb, outgrew_mb = mapping(plan.get("snapshot")).get("text_mb"), mapping(plan.get("outgrew_mb"))
    found: dict[str, Document] = {}
    for step, place in ran.items():
        used = mapping(usage.get(step))
        found[step] = {
            "mb": finite(mb),
            "outgrew_mb": finite(outgrew_mb.get(step)) if place.get("rung") != "lambda" else None,
            **{name: finite(used.get(name)) for name in _USED},
        }
        if mapping(left_lambda.get(step)).get("Error") in OUTGREW:
            found[step]["outgrew_mb"] = finite(mb)
    return found


def seen_of(document: object) -> Seen | None:
    """As it was remembered; None where nothing was, or what cannot be read."""
    found = mapping(document)
    mb = finite(found.get("mb"))
    if mb is None:
        return None
    return Seen(
        mb, finite(found.get("outgrew_mb")), **{name: finite(found.get(name)) for name in _USED}
    )
