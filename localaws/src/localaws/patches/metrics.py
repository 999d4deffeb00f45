"""MiniStack's CloudWatch metrics: what an invocation leaves there, kept small.

MiniStack counts direct invocations by function name only, and asynchronous ones before they ran.
Here every invocation counts when it ends, with the dimensions by which an alias's versions are
told apart during a deployment, and metrics in the function's log lines (EMF) become metrics.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ministack.services import cloudwatch, lambda_svc

from localaws import persistence
from localaws.functions import embedded_metrics

NAMESPACE = "AWS/Lambda"
# Points of one metric. A stage that scores for days must not grow without end.
LARGEST_SERIES = 5_000
# All metrics are saved together. A stage that scores all the time should not do only that.
SAVE_SECONDS = 5.0
EVICT_SECONDS = 60.0
# Equal values so close together become one point: alarms look at windows of half a second.
MERGE_SECONDS = 0.02

_lock = threading.Lock()
_evicted = 0.0
_saved = 0.0


def install() -> None:
    """Count throttles in MiniStack's place; see `invoked` for the rest."""
    lambda_svc._emit_lambda_metrics = _throttled
    cloudwatch._evict_old_metrics = _evict


def record(
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    values: Sequence[float],
    unit: str = "None",
    at: float | None = None,
) -> None:
    """Add values to a metric. Equal ones of the same moment are one point with a count."""
    moment = at if at is not None else time.time()
    key = (namespace, name, cloudwatch._dims_key(dict(dimensions)))
    with _lock:
        points = cloudwatch._metric_bucket(key)
        for value, count in Counter(values).items():
            last = points[-1] if points else None
            if last and _same(last, moment, value, unit):
                last["Count"] = last.get("Count", 1.0) + count
                continue
            points.append(
                {
                    "Timestamp": moment,
                    "Value": value,
                    "Count": float(count),
                    "Unit": unit,
                    "Dimensions": dict(dimensions),
                }
            )
        if len(points) > LARGEST_SERIES:
            del points[: LARGEST_SERIES // 2]


def _same(point: Mapping[str, Any], moment: float, value: float, unit: str) -> bool:
    near = abs(moment - point["Timestamp"]) < MERGE_SECONDS
    return near and (point["Value"], point["Unit"]) == (value, unit) and "_stat" not in point


def invoked(arn: str, version: str, *, error: bool, milliseconds: float) -> None:
    """Count one invocation that has ended. `arn` is what the caller named, alias and all."""
    for dimensions in _views(arn, version):
        record(NAMESPACE, "Invocations", dimensions, [1.0], "Count")
        record(NAMESPACE, "Errors", dimensions, [float(error)], "Count")
        record(NAMESPACE, "Throttles", dimensions, [0.0], "Count")
        record(NAMESPACE, "Duration", dimensions, [float(milliseconds)], "Milliseconds")
    _save_sometimes()


def embedded(lines: Iterable[str]) -> None:
    """Record the metrics that log lines carry."""
    for line in lines:
        for datum in embedded_metrics.read(line):
            record(
                datum.namespace, datum.name, datum.dimensions, datum.values, datum.unit, datum.at
            )


def _views(arn: str, version: str) -> list[dict[str, str]]:
    """The sets of dimensions under which Lambda reports an invocation."""
    resource = arn.partition(":function:")[2]
    name, _, qualifier = resource.partition(":")
    views = [{"FunctionName": name}, {"FunctionName": name, "Resource": resource}]
    if qualifier and qualifier != version:  # an alias
        views.append({**views[1], "ExecutedVersion": version})
    return views


def _save_sometimes() -> None:
    global _saved
    now = time.monotonic()
    if now - _saved > SAVE_SECONDS:
        _saved = now
        persistence.changed("monitoring")


def _throttled(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
    if throttle:
        record(NAMESPACE, "Throttles", {"FunctionName": function_name}, [1.0], "Count")


def _evict() -> None:
    """MiniStack's, but seldom and without losing what is written at the same moment."""
    global _evicted
    now = time.monotonic()
    if now - _evicted < EVICT_SECONDS:
        return
    _evicted = now
    oldest = time.time() - cloudwatch.TWO_WEEKS_SECONDS
    with _lock:
        stored: Any = cloudwatch._metrics
        for key, points in list(stored.items()):
            points[:] = [point for point in points if point["Timestamp"] >= oldest]
            if not points:
                del stored[key]
