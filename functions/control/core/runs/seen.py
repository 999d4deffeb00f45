"""What a run has seen of its steps, kept for the next run's choice of rungs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.reading import finite, mapping
from core.runs.failure import explain
from core.runs.rungs import Seen

Document = dict[str, Any]


def ran_of(ran: Mapping[str, Any], left_lambda: Mapping[str, Any]) -> dict[str, Document]:
    """Where each step ran: the workflow's word, and why it left Lambda, where it did."""
    found = {step: dict(mapping(place)) for step, place in ran.items()}
    for step, error in left_lambda.items():
        said = mapping(error)
        words = explain(str(said.get("Error")), str(said.get("Cause") or "")).message
        found.setdefault(step, {})["left_lambda"] = words
    return found


def seen_by(
    ran: Mapping[str, Document], usage: Mapping[str, Any], mb: object
) -> dict[str, Document]:
    """What the next run is to know of each step. `mb` is the data's size as text."""
    found: dict[str, Document] = {}
    for step, place in ran.items():
        used = mapping(usage.get(step))
        found[step] = {
            "mb": finite(mb),
            "outgrew": "left_lambda" in place,
            "seconds": finite(used.get("seconds")),
            "peak_memory_mb": finite(used.get("peak_memory_mb")),
        }
    return found


def seen_of(document: object) -> Seen | None:
    """As it was remembered; None where nothing was, or what cannot be read."""
    found = mapping(document)
    mb = finite(found.get("mb"))
    if mb is None:
        return None
    return Seen(
        mb,
        found.get("outgrew") is True,
        finite(found.get("seconds")),
        finite(found.get("peak_memory_mb")),
    )
