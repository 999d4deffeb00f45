"""The events that AWS puts on the event bus when an execution, stage or action changes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from localaws.emulator import Event

SOURCE = "aws.codepipeline"
EXECUTION = "CodePipeline Pipeline Execution State Change"


def iso(at: float) -> str:
    """
    >>> iso(0.25)
    '1970-01-01T00:00:00.250Z'
    """
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pipeline_event(arn: str, execution: Mapping[str, Any], state: str) -> Event:
    detail = {**_of_execution(execution), "start-time": iso(execution["started"]), "state": state}
    if state == "STARTED":
        trigger = execution["trigger"]
        detail["execution-trigger"] = {
            "trigger-type": trigger["triggerType"],
            "trigger-detail": trigger["triggerDetail"],
        }
    reason = (execution.get("stopping") or {}).get("reason")
    if state in ("STOPPING", "STOPPED") and reason:
        detail["stop-execution-comments"] = reason
    return Event(SOURCE, EXECUTION, arn, detail)


def stage_event(arn: str, execution: Mapping[str, Any], name: str, state: str) -> Event:
    stage = execution["stages"][name]
    detail = {**_of_execution(execution), "stage": name, "state": state}
    if stage["started"] is not None:
        detail["start-time"] = iso(stage["started"])
    if stage.get("retried"):
        detail["stage-last-retry-attempt-time"] = iso(stage["retried"])
    return Event(SOURCE, "CodePipeline Stage Execution State Change", arn, detail)


def action_event(
    arn: str, execution: Mapping[str, Any], record: Mapping[str, Any], state: str
) -> Event:
    type_id = record["input"]["actionTypeId"]
    detail = {
        **_of_execution(execution),
        "start-time": iso(record["started"]),
        "stage": record["stage"],
        "action-execution-id": record["id"],
        "action": record["action"],
        "state": state,
        "region": record["input"]["region"],
        "type": {key: type_id[key] for key in ("owner", "provider", "category", "version")},
    }
    ended = state != "STARTED"
    result = _of_result(record["result"]) if ended else {}
    outputs = record["outputs"] if state == "SUCCEEDED" else []
    for key, value in (
        ("execution-result", result),
        ("input-artifacts", [] if ended else record["input"]["inputArtifacts"]),
        ("output-artifacts", outputs),
    ):
        if value:
            detail[key] = value
    return Event(SOURCE, "CodePipeline Action Execution State Change", arn, detail)


def _of_execution(execution: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "pipeline": execution["pipeline"],
        "execution-id": execution["id"],
        "version": float(execution["version"]),
        "pipeline-execution-attempt": float(execution["attempt"]),
    }


def _of_result(result: Mapping[str, Any]) -> dict[str, str]:
    named = {
        "external-execution-url": result.get("externalExecutionUrl"),
        "external-execution-summary": result.get("externalExecutionSummary"),
        "external-execution-id": result.get("externalExecutionId"),
        "error-code": result.get("errorDetails", {}).get("code"),
    }
    return {key: value for key, value in named.items() if value}
