"""What is kept of pipelines and executions: plain JSON, so that it survives the process.

An execution holds its stages by name; a stage holds, for each action, the id of the run that
counts now (a retry forgets those it repeats); the runs themselves are all kept, in `actions`.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from localaws.codepipeline.rules import EXECUTION_SCOPE, PIPELINE_SCOPE
from localaws.codepipeline.structure import Declaration
from localaws.protocol.errors import ServiceError

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
    """An artifact as the API and the events show it."""
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
        PIPELINE_SCOPE: execution["variables"],
        EXECUTION_SCOPE: {"PipelineExecutionId": execution["id"]},
    }


def running_actions(execution: Record) -> list[Record]:
    return [record for record in execution["actions"].values() if record["status"] == "InProgress"]


# Ended executions of one pipeline that are kept. On AWS they are for twelve months.
MOST_KEPT = 100


class State:
    """Pipelines by name, executions by id, and the request tokens that have been used."""

    def __init__(self) -> None:
        self.pipelines: dict[str, Record] = {}
        self.executions: dict[str, Record] = {}
        self.tokens: dict[str, str] = {}
        self.last_number = 0

    def take(self) -> dict[str, Any]:
        return {
            "pipelines": self.pipelines,
            "executions": self.executions,
            "tokens": self.tokens,
            "last_number": self.last_number,
        }

    def load(self, kept: Mapping[str, Any]) -> None:
        self.pipelines.update(kept["pipelines"])
        self.executions.update(kept["executions"])
        self.tokens.update(kept["tokens"])
        self.last_number = kept["last_number"]

    # Pipelines

    def pipeline(self, name: str) -> Record:
        try:
            return self.pipelines[name]
        except KeyError:
            raise ServiceError(
                "PipelineNotFoundException",
                f"Account does not have a pipeline with name '{name}'",
            ) from None

    def current(self, name: str) -> Declaration:
        """The newest declaration of a pipeline."""
        pipeline = self.pipeline(name)
        found: Declaration = pipeline["versions"][str(pipeline["version"])]
        return found

    def declaration(self, execution: Record) -> Declaration:
        """The declaration an execution goes by: the one it was started with."""
        versions = self.pipelines[execution["pipeline"]]["versions"]
        found: Declaration = versions[str(execution["version"])]
        return found

    def stage_declaration(self, execution: Record, name: str) -> Mapping[str, Any]:
        return stage_of(self.declaration(execution), name)

    # Executions

    def execution(self, pipeline: str, identity: str) -> Record:
        self.pipeline(pipeline)
        found = self.executions.get(identity)
        if found is None or found["pipeline"] != pipeline:
            raise ServiceError(
                "PipelineExecutionNotFoundException",
                f"Pipeline '{pipeline}' does not have an execution with id '{identity}'",
            )
        return found

    def executions_of(self, pipeline: str) -> list[Record]:
        """The executions of a pipeline, oldest first."""
        return [one for one in self.executions.values() if one["pipeline"] == pipeline]

    def add(self, execution: Record) -> None:
        """Keep an execution; the oldest that have ended are forgotten when there are very many."""
        self.executions[execution["id"]] = execution
        ended = [
            one["id"]
            for one in self.executions_of(execution["pipeline"])
            if one["status"] not in RUNNING
        ]
        for identity in ended[:-MOST_KEPT]:
            del self.executions[identity]
            self.tokens = {token: one for token, one in self.tokens.items() if one != identity}

    def others(self, execution: Record, name: str) -> tuple[list[int], list[int]]:
        """The numbers of the other executions in a stage, and of those that wait before it."""
        inside = [
            other["number"]
            for other in self.executions_of(execution["pipeline"])
            if other is not execution and other["stages"].get(name, {}).get("status") in RUNNING
        ]
        return inside, [other["number"] for other in self.waiting_for(execution, name)]

    def waiting_for(self, execution: Record, name: str) -> Iterator[Record]:
        """The other executions that wait before a stage."""
        for other in self.executions_of(execution["pipeline"]):
            if other is not execution and waits_for(other, name):
                yield other

    def statuses(self, execution: Record, name: str) -> dict[str, str]:
        """Action → status of the run that counts, of the actions that ran in this stage."""
        runs = execution["stages"][name]["runs"]
        return {action: execution["actions"][run]["status"] for action, run in runs.items()}


def waits_for(execution: Record, name: str) -> bool:
    """Whether the execution is before this stage and has not entered it."""
    return (
        execution["status"] == "InProgress"
        and stage_name(execution) == name
        and execution["stages"][name]["status"] is None
    )


def stage_of(declaration: Declaration, name: str) -> Mapping[str, Any]:
    """A stage of a declaration by its name."""
    for stage in declaration["stages"]:
        if stage["name"] == name:
            found: Mapping[str, Any] = stage
            return found
    raise ServiceError(
        "StageNotFoundException",
        f"Pipeline '{declaration['name']}' does not have a stage with name '{name}'",
    )
