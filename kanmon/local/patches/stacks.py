"""CloudFormation resource types that MiniStack refuses or makes differently from AWS."""

from typing import Any

from ministack.services.cloudformation import provisioners


def install() -> None:
    """Let templates use alarms on metric math."""
    simple_record = provisioners._cw_metric_alarm_record

    def alarm_record(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        queries = properties.get("Metrics")
        if not queries:
            return dict(simple_record(name, properties))
        # The record of a simple alarm without what only simple ones have. Nothing evaluates it.
        alarm = dict(simple_record(name, {**properties, "Metrics": None, **_PLACE_HOLDER}))
        for field in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period"):
            del alarm[field]
        return {**alarm, "Metrics": queries, "Dimensions": []}

    provisioners._cw_metric_alarm_record = alarm_record


_PLACE_HOLDER = {"MetricName": "none", "Namespace": "none"}
