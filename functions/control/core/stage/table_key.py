"""The keys of the model table's items: which partition an item of a model is in.

A model's items are in the partition of its name, but for its batches, its monitorings and what they
say of it: those are in `#service/<model>`, which no model can be called, and what is known of its
experiment records in `#experiments/<model>`. So the functions that write them can be kept from
releases, champions and locks: IAM knows the partition of a write, and not which item of it is
written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_IN_SERVICE = ("batch#", "monitoring#")
_WATCH = "watch"
_PREFIX = "#service/"
_EXPERIMENT = "experiment#"
_EXPERIMENTS = "#experiments/"


def partition(model: str, item: str) -> str:
    """The partition of a model's item, or of the items whose names begin so.

    >>> partition("churn", "champion"), partition("churn", "batch#churn-1")
    ('churn', '#service/churn')
    >>> partition("#plan", "watch")  # a model may be called so
    '#plan'
    >>> partition("churn", "experiment#churn-1")
    '#experiments/churn'
    """
    if item.startswith(_EXPERIMENT):
        return f"{_EXPERIMENTS}{model}"
    in_service = item == _WATCH or item.startswith(_IN_SERVICE)
    return f"{_PREFIX}{model}" if in_service and not model.startswith("#") else model


def partitions(model: str) -> tuple[str, str, str]:
    """All the partitions that have items of the model."""
    return model, f"{_PREFIX}{model}", f"{_EXPERIMENTS}{model}"


def key_of(model: str, item: str) -> dict[str, Any]:
    """An item's key in DynamoDB's own form."""
    return {"model": {"S": partition(model, item)}, "item": {"S": item}}


def of_model(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item with its model's name, whichever partition it was in."""
    name = str(item["model"]).removeprefix(_PREFIX).removeprefix(_EXPERIMENTS)
    return {**item, "model": name}
