"""What the API shows of pipelines and executions, made from the records. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from localaws.codepipeline.records import Record, waits_for
from localaws.codepipeline.structure import Declaration


def execution_view(execution: Record) -> dict[str, Any]:
    """PipelineExecution."""
    return present(
        {
            "pipelineName": execution["pipeline"],
            "pipelineVersion": execution["version"],
            "pipelineExecutionId": execution["id"],
            "status": execution["status"],
            "statusSummary": execution["summary"],
            "artifactRevisions": artifact_revisions(execution),
            "variables": [
                {"name": name, "resolvedValue": value}
                for name, value in execution["variables"].items()
            ],
            "trigger": execution["trigger"],
            "executionMode": execution["mode"],
            "executionType": "STANDARD",
        }
    )


def execution_summary(execution: Record) -> dict[str, Any]:
    """PipelineExecutionSummary."""
    stopping = execution["stopping"] or {}
    told = ("actionName", "revisionId", "revisionSummary", "revisionUrl")
    return present(
        {
            "pipelineExecutionId": execution["id"],
            "status": execution["status"],
            "statusSummary": execution["summary"],
            "startTime": execution["started"],
            "lastUpdateTime": execution["updated"],
            "sourceRevisions": [
                {key: revision[key] for key in told if key in revision}
                for revision in execution["revisions"]
            ],
            "trigger": execution["trigger"],
            "stopTrigger": present({"reason": stopping.get("reason")}),
            "executionMode": execution["mode"],
            "executionType": "STANDARD",
        }
    )


def artifact_revisions(execution: Record) -> list[dict[str, Any]]:
    told = ("revisionId", "revisionChangeIdentifier", "revisionSummary", "created", "revisionUrl")
    return [
        {"name": name, **{key: revision[key] for key in told if key in revision}}
        for revision in execution["revisions"]
        for name in revision["artifacts"]
    ]


def action_detail(execution: Record, record: Record) -> dict[str, Any]:
    """ActionExecutionDetail."""
    output = {
        "outputArtifacts": record["outputs"],
        "executionResult": record["result"],
        "outputVariables": record["variables"],
    }
    return present(
        {
            "pipelineExecutionId": execution["id"],
            "actionExecutionId": record["id"],
            "pipelineVersion": execution["version"],
            "stageName": record["stage"],
            "actionName": record["action"],
            "startTime": record["started"],
            "lastUpdateTime": record["updated"],
            "updatedBy": record["updatedBy"],
            "status": record["status"],
            "input": record["input"],
            "output": output,
        }
    )


def stage_state(
    declared: Mapping[str, Any],
    declaration: Declaration,
    executions: Iterable[Record],
) -> dict[str, Any]:
    """StageState. In PARALLEL mode there is no one execution that a stage could show."""
    name = declared["name"]
    shared = [one for one in executions if one["mode"] != "PARALLEL" and name in one["stages"]]
    if declaration["executionMode"] == "PARALLEL":
        shared = []
    entered = [one for one in shared if one["stages"][name]["started"] is not None]
    latest = max(entered, key=lambda one: one["stages"][name]["started"], default=None)
    inbound = [stage_execution(one, "InProgress") for one in shared if waits_for(one, name)]
    state: dict[str, Any] = {
        "stageName": name,
        "inboundExecution": inbound[-1] if inbound else None,
        "inboundExecutions": inbound,
        "inboundTransitionState": {"enabled": True},
        "actionStates": [action_state(action, name, entered) for action in declared["actions"]],
    }
    if latest is not None:
        stage = latest["stages"][name]
        state["latestExecution"] = stage_execution(latest, stage["status"])
        if stage["retries"]:
            state["retryStageMetadata"] = {
                "manualStageRetryAttempt": stage["retries"],
                "latestRetryTrigger": "ManualStageRetry",
            }
    return present(state)


def stage_execution(execution: Record, status: str) -> dict[str, Any]:
    return {"pipelineExecutionId": execution["id"], "status": status, "type": "STANDARD"}


def action_state(
    declared: Mapping[str, Any], stage: str, executions: Iterable[Record]
) -> dict[str, Any]:
    """ActionState, with the last run of the action in any execution."""
    name = declared["name"]
    runs = [
        (record, execution)
        for execution in executions
        for record in execution["actions"].values()
        if (record["stage"], record["action"]) == (stage, name)
    ]
    if not runs:
        return {"actionName": name}
    record, execution = max(runs, key=lambda run: run[0]["started"])
    revision = next((one for one in execution["revisions"] if one["actionName"] == name), None)
    current = revision and {
        "revisionId": revision["revisionId"],
        "revisionChangeId": revision["revisionChangeIdentifier"],
        "created": revision["created"],
    }
    return present(
        {
            "actionName": name,
            "currentRevision": current,
            "latestExecution": action_execution(record),
            "revisionUrl": revision["revisionUrl"] if revision else None,
        }
    )


def action_execution(record: Record) -> dict[str, Any]:
    """ActionExecution; a token is there only as long as the approval waits."""
    result = record["result"]
    waits = record["approval"] is not None and record["status"] == "InProgress"
    return present(
        {
            "actionExecutionId": record["id"],
            "status": record["status"],
            "summary": result.get("externalExecutionSummary"),
            "lastStatusChange": record["updated"],
            "token": record["approval"]["token"] if waits else None,
            "lastUpdatedBy": record["updatedBy"],
            "externalExecutionId": result.get("externalExecutionId"),
            "externalExecutionUrl": result.get("externalExecutionUrl"),
            "errorDetails": result.get("errorDetails"),
        }
    )


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Only what is set."""
    return {key: value for key, value in values.items() if value not in (None, [], {})}
