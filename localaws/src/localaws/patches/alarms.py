"""MiniStack's alarms: evaluated by their own dimensions, periods and expressions.

MiniStack evaluates an alarm on all of a metric's series together, when a metric is put, and knows
no metric math. Here an alarm is evaluated whenever it is asked for, over windows that end
now: its periods, shortened by the stage's pace.
"""

import functools
import json
import time
from typing import Any

from ministack.core import iam_actions
from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from localaws import pace, persistence
from localaws.alarms import expressions, states
from localaws.home import ACCOUNT, REGION
from localaws.patches import queues

Alarm = dict[str, Any]

# However fast time passes: data needs a moment to arrive, and a caller a moment to ask.
SHORTEST_SECONDS = 0.5
# Points are nearly in the order of their times; after so many old ones no new one follows.
OLD_ENOUGH = 100
SIMPLE = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period")
_PLACE_HOLDER = {"MetricName": "none", "Namespace": "none"}

# Alarm -> until when (monotonic) a state that was set explicitly stays.
_set_until: dict[str, float] = {}


def install() -> None:
    """Evaluate alarms, and let there be alarms on metric math."""
    cloudwatch._evaluate_alarm = _evaluate
    cloudwatch._describe_alarms = _after_evaluation(cloudwatch._describe_alarms)
    cloudwatch._describe_alarms_for_metric = _after_evaluation(
        cloudwatch._describe_alarms_for_metric
    )
    cloudwatch._set_alarm_state = _holding(cloudwatch._set_alarm_state)
    cloudwatch._put_metric_alarm = _with_queries(cloudwatch._put_metric_alarm)
    provisioners._cw_metric_alarm_record = _record(provisioners._cw_metric_alarm_record)
    iam_actions.extract_resource_arn = _with_resources(iam_actions.extract_resource_arn)


def _with_resources(known: Any) -> Any:
    """MiniStack holds requests for alarms against "*"."""

    @functools.wraps(known)
    def with_resources(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *more: Any
    ) -> Any:
        arn = known(service, method, path, headers, body, *more)
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if service != "monitoring" or action != "DescribeAlarms":
            return arn
        try:
            kinds = json.loads(body or b"{}").get("AlarmTypes") or ()
        except (ValueError, AttributeError):
            return arn
        # It is a question about all alarms; for composite ones that is not wide enough.
        every = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"
        return "*" if "CompositeAlarm" in kinds else every

    return with_resources


def _record(simple: Any) -> Any:
    """The record of an alarm in a template."""

    @functools.wraps(simple)
    def record(name: str, properties: dict[str, Any]) -> Alarm:
        queries = properties.get("Metrics")
        if not queries:
            _check_simple(properties)
            return dict(simple(name, properties))
        queries = [_typed(query) for query in queries]
        states.check_queries(queries)
        return _on_queries(simple(name, {**properties, "Metrics": None, **_PLACE_HOLDER}), queries)

    return record


def _with_queries(put: Any) -> Any:
    """PutMetricAlarm."""

    @functools.wraps(put)
    def with_queries(
        params: dict[str, Any], cbor_data: dict[str, Any], is_cbor: bool, is_json: bool = False
    ) -> Any:
        given = cbor_data if is_cbor or is_json else {}
        queries = given.get("Metrics")
        try:
            if queries:
                states.check_queries(queries)
            elif given:
                _check_simple(given)
        except expressions.ExpressionError as error:
            return cloudwatch._error(
                "ValidationError", str(error), 400, use_json=is_json, use_cbor=is_cbor
            )
        answer = put(params, cbor_data, is_cbor, is_json)
        if queries and answer[0] == 200:
            name = given["AlarmName"]
            cloudwatch._alarms[name] = _on_queries(cloudwatch._alarms[name], queries)
            _evaluate(cloudwatch._alarms[name])
        return answer

    return with_queries


def _check_simple(given: dict[str, Any]) -> None:
    states.check_statistic(given.get("ExtendedStatistic") or given.get("Statistic") or "Average")
    states.check_period(given.get("Period", 60))
    if given.get("ComparisonOperator") not in states.COMPARISONS:
        operator = given.get("ComparisonOperator")
        raise expressions.ExpressionError(f"localaws does not have the operator {operator}")


def _on_queries(record: Alarm, queries: list[dict[str, Any]]) -> Alarm:
    alarm = {name: value for name, value in record.items() if name not in SIMPLE}
    return {**alarm, "Metrics": queries, "Dimensions": []}


def _typed(query: dict[str, Any]) -> dict[str, Any]:
    """A template's query with the types the API has."""
    typed = dict(query)
    if "ReturnData" in typed:
        typed["ReturnData"] = str(typed["ReturnData"]).lower() == "true"
    if typed.get("MetricStat"):
        typed["MetricStat"] = {**typed["MetricStat"], "Period": int(typed["MetricStat"]["Period"])}
    return typed


def _after_evaluation(describe: Any) -> Any:
    @functools.wraps(describe)
    def after_evaluation(*request: Any, **more: Any) -> Any:
        cloudwatch._evaluate_all_alarms()
        return describe(*request, **more)

    return after_evaluation


def _holding(set_state: Any) -> Any:
    """A state that is set lasts until the next evaluation would come, as on AWS."""

    @functools.wraps(set_state)
    def holding(
        params: dict[str, Any], cbor_data: dict[str, Any], is_cbor: bool, is_json: bool = False
    ) -> Any:
        given = cbor_data if is_cbor or is_json else params
        name = given.get("AlarmName", "")
        name = name[0] if isinstance(name, list) else name
        alarm = cloudwatch._alarms.get(name)
        if alarm:
            _set_until[name] = time.monotonic() + _seconds(_period(alarm))
        return set_state(params, cbor_data, is_cbor, is_json)

    return holding


def _evaluate(alarm: Alarm) -> None:
    name = alarm["AlarmName"]
    if time.monotonic() < _set_until.get(name, 0.0):
        return
    new, reason = states.state(alarm, _points(alarm))
    old = alarm["StateValue"]
    if new is None or new == old:
        return
    alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(name, old, new, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
    cloudwatch._evaluate_parent_alarms(alarm)
    persistence.changed("monitoring")


def _points(alarm: Alarm) -> expressions.Series:
    now, seconds = time.time(), _seconds(_period(alarm))
    count = int(alarm.get("EvaluationPeriods") or 1)
    if alarm.get("Metrics"):
        return states.datapoints(
            alarm["Metrics"], lambda query: _of_query(query["MetricStat"], now, seconds, count)
        )
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    stored = _stored(alarm["Namespace"], alarm["MetricName"], alarm.get("Dimensions"))
    return _series(stored, statistic, now, seconds, count)


def _of_query(
    metric_stat: dict[str, Any], now: float, seconds: float, count: int
) -> expressions.Series:
    metric = metric_stat["Metric"]
    stored = _stored(metric["Namespace"], metric["MetricName"], metric.get("Dimensions"))
    return _series(stored, metric_stat["Stat"], now, seconds, count)


def _stored(namespace: str, name: str, dimensions: Any) -> list[dict[str, Any]]:
    """The points of exactly this series."""
    named = cloudwatch._dims_from_list(dimensions or [])
    if (namespace, name) == queues.METRIC:
        return queues.points(named)
    key = (namespace, name, cloudwatch._dims_key(named))
    return cloudwatch._metrics.get(key) or []


def _series(
    stored: list[dict[str, Any]], statistic: str, now: float, seconds: float, count: int
) -> expressions.Series:
    """One value for each of the last periods, the oldest first."""
    windows: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    old = 0
    for point in reversed(stored):
        age = now - point["Timestamp"]
        # Clocks of data and question differ by a moment: what is from just now is in the last.
        back = int(max(0.0, age) // seconds)
        if back < count and age > -SHORTEST_SECONDS:
            windows[count - 1 - back].append(point)
        old = old + 1 if back >= count else 0
        if old > OLD_ENOUGH:
            break
    return [_value(points, statistic) for points in windows]


def _value(points: list[dict[str, Any]], statistic: str) -> float | None:
    statistics = cloudwatch._calc_stats(points)
    if not statistics:
        return None
    value = cloudwatch._stat_value(statistics, statistic, points)
    return None if value is None else float(value)


def _period(alarm: Alarm) -> int:
    queries = alarm.get("Metrics")
    return states.period(queries) if queries else int(alarm.get("Period") or 60)


def _seconds(period: int) -> float:
    return max(SHORTEST_SECONDS, pace.here(period))
