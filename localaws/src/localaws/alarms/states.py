"""From the datapoints of an alarm to its state."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localaws.alarms import expressions
from localaws.alarms.expressions import ExpressionError, Series, Value

ALARM, OK, UNKNOWN = "ALARM", "OK", "INSUFFICIENT_DATA"
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
STATISTICS = {"Average", "Sum", "Minimum", "Maximum", "SampleCount"}
PERCENTILE = re.compile(r"p\d{1,2}(\.\d+)?|p100")
SHORTEST_PERIODS = (10, 20, 30)

Query = Mapping[str, Any]
SeriesOf = Callable[[Query], Series]


def check_queries(queries: Sequence[Query]) -> None:
    """Raise ExpressionError unless the metrics of an alarm can be evaluated."""
    ids = [query.get("Id", "") for query in queries]
    if len(set(ids)) < len(ids) or not all(ids):
        raise ExpressionError("Invalid metrics list: every metric needs an Id of its own")
    if sum(1 for query in queries if _returns(query)) != 1:
        raise ExpressionError("Invalid metrics list: exactly one must have ReturnData true")
    for query in queries:
        if bool(query.get("Expression")) == bool(query.get("MetricStat")):
            raise ExpressionError(f"{query['Id']} must have either Expression or MetricStat")
        if query.get("MetricStat"):
            check_statistic(query["MetricStat"].get("Stat"))
            check_period(query["MetricStat"].get("Period"))
    in_order(queries)
    # Tried on made-up data: what cannot be evaluated at all shows here, not in a deployment.
    datapoints(queries, lambda query: [1.0, None])


def check_statistic(name: object) -> None:
    """Raise ExpressionError for a statistic that is not known here."""
    if name not in STATISTICS and not PERCENTILE.fullmatch(str(name)):
        raise ExpressionError(f"localaws does not have the statistic {name}")


def check_period(seconds: object) -> None:
    """Raise ExpressionError for a period that CloudWatch does not take."""
    try:
        period = int(str(seconds))
    except ValueError:
        period = 0
    if period not in SHORTEST_PERIODS and (period <= 0 or period % 60):
        raise ExpressionError(f"a period is 10, 20, 30 or a multiple of 60 seconds, not {seconds}")


def period(queries: Sequence[Query]) -> int:
    """The period of an alarm on metric math: the longest of its metrics'."""
    return max(int(query["MetricStat"]["Period"]) for query in queries if query.get("MetricStat"))


def in_order(queries: Sequence[Query]) -> list[Query]:
    """The queries so that each comes after those it refers to. Raises ExpressionError."""
    waiting = {query["Id"]: query for query in queries}
    known: set[str] = set()
    ordered: list[Query] = []
    while waiting:
        ready = [query for query in waiting.values() if _needs(query, waiting, known) <= known]
        if not ready:
            raise ExpressionError(f"{', '.join(sorted(waiting))} refer to each other")
        for query in ready:
            ordered.append(waiting.pop(query["Id"]))
            known.add(query["Id"])
    return ordered


def datapoints(queries: Sequence[Query], series_of: SeriesOf) -> Series:
    """The datapoints of an alarm on metric math; `series_of(query)` reads a metric."""
    read = {query["Id"]: series_of(query) for query in queries if query.get("MetricStat")}
    if not read:
        raise ExpressionError("Invalid metrics list: it has no metric")
    known: dict[str, Value] = dict(read)
    for query in in_order(queries):
        if query.get("Expression"):
            node = expressions.parse(query["Expression"])
            known[query["Id"]] = expressions.evaluate(node, known)
    [result] = [known[query["Id"]] for query in queries if _returns(query)]
    length = len(next(iter(read.values())))
    if not isinstance(result, list):
        return [result] * length
    return result or [None] * length


def state(alarm: Mapping[str, Any], points: Series) -> tuple[str | None, str]:
    """The state that datapoints (the oldest first) give, with a reason; None: as it was."""
    compare = COMPARISONS[alarm["ComparisonOperator"]]
    threshold = float(alarm["Threshold"])
    present = [point for point in points if point is not None and point == point]
    missing = len(points) - len(present)
    treated = alarm.get("TreatMissingData") or "missing"
    if not present and treated == "ignore":
        return None, ""
    if not present and treated == "missing":
        return UNKNOWN, "Insufficient Data: no datapoints were received"
    breaching = sum(compare(point, threshold) for point in present)
    if treated == "breaching":
        breaching += missing
    needed = int(alarm.get("DatapointsToAlarm") or len(points))
    said = f"{breaching} of {len(points)} datapoints were {alarm['ComparisonOperator']}"
    reason = f"Threshold Crossed: {said} {threshold:g} ({_told(present)})"
    return (ALARM if breaching >= needed else OK), reason


def _told(points: Sequence[float]) -> str:
    return ", ".join(f"{point:g}" for point in points[-5:]) or "all are missing"


def _needs(query: Query, waiting: Mapping[str, Query], known: set[str]) -> set[str]:
    if not query.get("Expression"):
        return set()
    node = expressions.parse(query["Expression"])
    named = expressions.names(node)
    unknown = named - set(waiting) - known
    if unknown:
        raise ExpressionError(
            f"Error in expression '{query['Expression']}': there is no {', '.join(sorted(unknown))}"
        )
    return named


def _returns(query: Query) -> bool:
    return str(query.get("ReturnData", True)).lower() != "false"
