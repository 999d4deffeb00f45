"""Captured requests as the scorer writes them, and a plan to read them with."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from contract.plan import Derivation, Feature, Plan
from tests.support.small_plans import small_plan

FOLDER = "capture/churn/3/dt=2026-11-01"


def make_plan(**changes: Any) -> Plan:
    about: dict[str, Any] = {
        "task": "binary",
        "target": "left",
        "positive": "yes",
        "features": (
            Feature("age", "numeric"),
            Feature("contract", "categorical"),
            Feature("month", "numeric", derive=Derivation("joined", "month")),
            Feature("income", "numeric", private=True),
        ),
        "key": ("customer",),
        "primary": "auc",
        "metrics": ("auc",),
    }
    return small_plan("churn", **{**about, **changes})


def make_line(request: str = "r-1", row: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "at": "2026-11-01T08:15:30Z",
        "request_id": request,
        "model": "churn",
        "release": 3,
        "row": row,
        "key": {"customer": 17},
        "prediction": "yes",
        "probability": 0.75,
        "features": {"age": 41, "contract": "yearly", "joined": "2026-03-05"},
        **changes,
    }


def text_of(*lines: dict[str, Any] | str) -> bytes:
    written = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return ("\n".join(written) + "\n").encode()


@pytest.fixture
def plan() -> Callable[..., Plan]:
    """Make a plan: who leaves, by age, contract, month of joining and a private income."""
    return make_plan


@pytest.fixture
def line() -> Callable[..., dict[str, Any]]:
    """Make a line of a captured request."""
    return make_line


@pytest.fixture
def written() -> Callable[..., bytes]:
    """The bytes of a file with these lines; a text is a line as it is."""
    return text_of
