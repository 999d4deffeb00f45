"""The records that are kept: plain JSON, so that they survive the process.

An execution holds its stages by name; a stage holds, for each action, the id of the run that
counts now (a retry forgets those it repeats); the runs themselves are all kept, in `actions`.
"""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from localaws.codepipeline import variables
from localaws.codepipeline.structure import Declaration

Record = dict[str, Any]

RUNNING = ("InProgress", "Stopping")


def new_execution(
    number: int,
    declaration: Declaration,
    values: Mapping[str, str],
    trigger: Mapping[str, str],
    now: float,
) -> Record:
    """An execution before its first stage; `number` orders the executions of the account."""
    return {
        "id": str(uuid.uuid4()),
        "number": number,
        "pipeline": declaration["name"],
        "version": declaration["version"],
        "mode": declaration["executionMode"],
        "status": "InProgress",
        "summary": None,
        "started": now,
        "updated": now,
        "attempt": 1,
        "trigger": dict(trigger),
        "stopping": None,
        "variables": dict(values),
        "overrides": {},
        "stage": 0,
        "stages": {stage["name"]: new_stage() for stage in declaration["stages"]},
        "actions": {},
        "artifacts": {},
        "namespaces": {},
        "revisions": [],
    }


def new_stage() -> Record:
    """`status` is None until an execution enters the stage."""
    return {
        "status": None,
        "started": None,
        "runs": {},
        "condition": None,
        "retries": 0,
        "retried": None,
    }


def new_action(
    stage: str, declared: Mapping[str, Any], inputs: Iterable[Record], region: str, now: float
) -> Record:
    """One run of an action, as it begins."""
    told = ("actionTypeId", "configuration", "roleArn", "namespace")
    return {
        "id": str(uuid.uuid4()),
        "stage": stage,
        "action": declared["name"],
        "status": "InProgress",
        "started": now,
        "updated": now,
        "updatedBy": None,
        "input": {
            **{key: declared[key] for key in told if key in declared},
            "region": region,
            "inputArtifacts": [located(artifact) for artifact in inputs],
        },
        "result": {},
        "outputs": [],
        "variables": {},
        "approval": None,
    }


def located(artifact: Mapping[str, Any]) -> Record:
    """An artifact as the API and the events tell of it."""
    return {
        "name": artifact["name"],
        "s3location": {"bucket": artifact["bucket"], "key": artifact["key"]},
    }


def stage_name(execution: Record) -> str:
    """The name of the stage that the execution is in, or waits for."""
    names: list[str] = list(execution["stages"])
    return names[execution["stage"]]


def scopes(execution: Record) -> dict[str, Mapping[str, str]]:
    """What `#{...}` may refer to in this execution by now."""
    return {
        **execution["namespaces"],
        variables.PIPELINE_SCOPE: execution["variables"],
        variables.EXECUTION_SCOPE: {"PipelineExecutionId": execution["id"]},
    }


def running_actions(execution: Record) -> list[Record]:
    return [record for record in execution["actions"].values() if record["status"] == "InProgress"]
