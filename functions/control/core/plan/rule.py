"""Stands in for the planner's rule until that is merged: nothing starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def decide(document: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing starts, and every model's state is as it was."""
    return {
        "format": 1,
        "at": document["at"],
        "starts": [],
        "waits": [],
        "late": [],
        "next": {},
        "state": {model: each["state"] for model, each in document["models"].items()},
    }
