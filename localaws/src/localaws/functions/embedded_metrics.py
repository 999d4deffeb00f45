"""Metrics inside log lines: CloudWatch's embedded metric format (EMF)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MARK = '"_aws"'
# CloudWatch reads at most so many values of one metric from one line.
LARGEST_ARRAY = 100


@dataclass(frozen=True)
class Datum:
    """Values of one metric under one set of dimensions; `at` is in epoch seconds."""

    namespace: str
    name: str
    unit: str
    dimensions: dict[str, str]
    values: tuple[float, ...]
    at: float


def read(line: str) -> Iterator[Datum]:
    """Yield the metrics of a log line. One that is not in the format has none, as on AWS."""
    if MARK not in line:
        return
    try:
        document = json.loads(line)
        at = float(document["_aws"]["Timestamp"]) / 1000
        directives = document["_aws"]["CloudWatchMetrics"]
        for directive in directives:
            yield from _of_directive(document, directive, at)
    except (ValueError, TypeError, KeyError, AttributeError):
        return


def _of_directive(
    document: dict[str, Any], directive: dict[str, Any], at: float
) -> Iterator[Datum]:
    for names in directive.get("Dimensions") or [[]]:
        if not all(name in document for name in names):
            continue  # a set that names what the line does not have
        dimensions = {name: str(document[name]) for name in names}
        for metric in directive["Metrics"]:
            values = _numbers(document.get(metric["Name"]))
            if values:
                unit = metric.get("Unit", "None")
                yield Datum(directive["Namespace"], metric["Name"], unit, dimensions, values, at)


def _numbers(value: Any) -> tuple[float, ...]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in values):
        return ()
    return tuple(float(one) for one in values[:LARGEST_ARRAY])
