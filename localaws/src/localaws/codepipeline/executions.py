"""The operations on executions: start, stop, retry, and what has become of them."""

import os
from collections.abc import Mapping
from typing import Any

from localaws.codepipeline import events, records, views
from localaws.codepipeline.account import Names, Ports, page
from localaws.codepipeline.engine import Engine
from localaws.codepipeline.records import RUNNING, Record, State, stage_of
from localaws.codepipeline.rules import to_repeat
from localaws.codepipeline.structure import Declaration
from localaws.protocol.errors import ServiceError, invalid, not_here

# CodePipeline's quota of executions of one pipeline at once; a test of a full one lowers it.
MOST_CONCURRENT = 50
LIMIT_SETTING = "LOCALAWS_PIPELINE_EXECUTIONS"
KEY, VERSION = "S3_OBJECT_KEY", "S3_OBJECT_VERSION_ID"


def most_concurrent() -> int:
    """How many executions of one pipeline may be in progress."""
    written = os.environ.get(LIMIT_SETTING, "")
    return int(written) if written.isascii() and written.isdigit() else MOST_CONCURRENT


class Executions:
    """Callers hold the service's lock."""

    def __init__(self, ports: Ports, state: State, names: Names, engine: Engine) -> None:
        self._ports = ports
        self._state = state
        self._names = names
        self._engine = engine

    def operations(self) -> dict[str, Any]:
        return {
            "StartPipelineExecution": self.start,
            "StopPipelineExecution": self.stop,
            "RetryStageExecution": self.retry,
            "GetPipelineExecution": self.get,
            "ListPipelineExecutions": self.list_all,
            "ListActionExecutions": self.list_actions,
        }

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["name"]
        declaration = self._state.current(name)
        token = request.get("clientRequestToken")
        used = self._state.tokens.get(f"{name}/{token}") if token else None
        if used:
            return {"pipelineExecutionId": used}
        values = variable_values(declaration, request.get("variables", []))
        overrides = revision_overrides(declaration, request.get("sourceRevisions", []))
        self._check_room(declaration)
        execution = self._added(declaration, values, "StartPipelineExecution")
        execution["overrides"] = overrides
        if token:
            self._state.tokens[f"{name}/{token}"] = execution["id"]
        self._began(execution)
        return {"pipelineExecutionId": execution["id"]}

    def start_first(self, declaration: Declaration) -> None:
        """Start the execution that making a pipeline starts, with no values but the defaults."""
        declared = declaration.get("variables", [])
        values = {one["name"]: one.get("defaultValue", "") for one in declared}
        self._began(self._added(declaration, values, "CreatePipeline"))

    def _added(self, declaration: Declaration, values: dict[str, str], trigger: str) -> Record:
        self._state.last_number += 1
        who = {"triggerType": trigger, "triggerDetail": self._ports.identity()}
        execution = records.new_execution(
            self._state.last_number, declaration, values, who, self._ports.now()
        )
        self._state.add(execution)
        return execution

    def _began(self, execution: Record) -> None:
        arn = self._names.arn(execution["pipeline"])
        self._ports.emit(events.pipeline_event(arn, execution, "STARTED"))
        self._engine.advance(execution)

    def _check_room(self, declaration: Declaration) -> None:
        running = [
            one
            for one in self._state.executions_of(declaration["name"])
            if one["status"] in RUNNING
        ]
        if declaration["executionMode"] != "SUPERSEDED" and len(running) >= most_concurrent():
            raise ServiceError(
                "ConcurrentPipelineExecutionsLimitExceededException",
                f"The pipeline {declaration['name']} has reached the limit of {most_concurrent()}"
                " concurrent executions",
            )

    def stop(self, request: dict[str, Any]) -> dict[str, Any]:
        execution = self._find(request)
        abandon = bool(request.get("abandon"))
        if execution["status"] not in RUNNING:
            raise ServiceError(
                "PipelineExecutionNotStoppableException",
                f"The execution {execution['id']} is not in progress: it is {execution['status']}",
            )
        if execution["status"] == "Stopping" and not abandon:
            raise ServiceError(
                "DuplicatedStopRequestException",
                f"The execution {execution['id']} is already in a Stopping state",
            )
        self._engine.stop(execution, abandon=abandon, reason=request.get("reason"))
        return {"pipelineExecutionId": execution["id"]}

    def retry(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["stageName"]
        current = self._state.current(request["pipelineName"])
        stage_of(current, name)
        execution = self._find(request)
        stage = execution["stages"].get(name)
        if (
            stage is None
            or stage["status"] not in ("Failed", "Stopped")
            or execution["status"] not in ("Failed", "Stopped")
            or current["stages"] != self._state.declaration(execution)["stages"]
        ):
            raise ServiceError(
                "StageNotRetryableException",
                f"Unable to retry stage {name}. The pipeline structure or stage state might have"
                " changed while actions awaited retry, or the stage contains no failed actions.",
            )
        self._check_latest(execution, name)
        self._check_room(self._state.declaration(execution))
        self._repeat(execution, name, request["retryMode"])
        return {"pipelineExecutionId": execution["id"]}

    def _check_latest(self, execution: Record, name: str) -> None:
        if execution["mode"] == "PARALLEL":
            return
        started = execution["stages"][name]["started"]
        for other in self._state.executions_of(execution["pipeline"]):
            entered = other["stages"].get(name, {}).get("started")
            if other is not execution and entered is not None and entered > started:
                raise ServiceError(
                    "NotLatestPipelineExecutionException",
                    f"Stage {name} has been run by a later execution than {execution['id']}",
                )

    def _repeat(self, execution: Record, name: str, mode: str) -> None:
        stage, now = execution["stages"][name], self._ports.now()
        for action in to_repeat(self._state.statuses(execution, name), mode):
            del stage["runs"][action]
        # A stage whose condition failed has not begun: it is asked again.
        entered = stage["condition"] is None or stage["condition"]["status"] == "Succeeded"
        stage.update(
            status="InProgress" if entered else None,
            retries=stage["retries"] + 1,
            retried=now,
        )
        execution.update(
            status="InProgress",
            summary=None,
            stopping=None,
            attempt=execution["attempt"] + 1,
            updated=now,
        )
        arn = self._names.arn(execution["pipeline"])
        self._ports.emit(events.pipeline_event(arn, execution, "RESUMED"))
        self._ports.emit(events.stage_event(arn, execution, name, "RESUMED"))
        self._engine.advance(execution)

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"pipelineExecution": views.execution_view(self._find(request))}

    def list_all(self, request: dict[str, Any]) -> dict[str, Any]:
        self._state.pipeline(request["pipelineName"])
        if request.get("filter"):
            raise not_here("ListPipelineExecutions' filter")
        found = [
            views.execution_summary(execution)
            for execution in reversed(self._state.executions_of(request["pipelineName"]))
        ]
        entries, token = page(request, found)
        return {"pipelineExecutionSummaries": entries, "nextToken": token}

    def list_actions(self, request: dict[str, Any]) -> dict[str, Any]:
        found = [
            views.action_detail(execution, record)
            for execution in self._filtered(request)
            for record in execution["actions"].values()
        ]
        found.sort(key=lambda detail: detail["startTime"], reverse=True)
        entries, token = page(request, found)
        return {"actionExecutionDetails": entries, "nextToken": token}

    def _filtered(self, request: Mapping[str, Any]) -> list[Record]:
        name, wanted = request["pipelineName"], request.get("filter", {})
        latest = wanted.get("latestInPipelineExecution", {})
        identity = wanted.get("pipelineExecutionId") or latest.get("pipelineExecutionId")
        if identity is None:
            self._state.pipeline(name)
            return self._state.executions_of(name)
        return [self._state.execution(name, identity)]

    def _find(self, request: Mapping[str, Any]) -> Record:
        return self._state.execution(request["pipelineName"], request["pipelineExecutionId"])


def variable_values(declaration: Declaration, given: list[dict[str, str]]) -> dict[str, str]:
    """The values of an execution's variables: those given, else the declared defaults."""
    declared = {one["name"]: one.get("defaultValue") for one in declaration.get("variables", [])}
    values = {variable["name"]: variable["value"] for variable in given}
    unknown = [name for name in values if name not in declared]
    if unknown:
        raise invalid(
            f"Pipeline '{declaration['name']}' does not declare the variables: {', '.join(unknown)}"
        )
    missing = [name for name, value in declared.items() if value is None and name not in values]
    if missing:
        raise invalid(
            "The following pipeline variables have neither a value nor a default value:"
            f" {', '.join(missing)}"
        )
    return {name: values.get(name) or str(default) for name, default in declared.items()}


def revision_overrides(
    declaration: Declaration, given: list[dict[str, str]]
) -> dict[str, dict[str, str]]:
    """Source action → revision type → value."""
    sources = {action["name"]: action for action in declaration["stages"][0]["actions"]}
    overrides: dict[str, dict[str, str]] = {}
    for one in given:
        name, kind = one["actionName"], one["revisionType"]
        if name not in sources:
            raise invalid(f"'{name}' is not a source action of '{declaration['name']}'")
        if kind not in (KEY, VERSION):
            raise invalid(f"Revision type {kind} is not supported by the source action '{name}'")
        allowed = sources[name]["configuration"].get("AllowOverrideForS3ObjectKey", "false")
        if kind == KEY and allowed.lower() != "true":
            raise invalid(
                f"The source action '{name}' does not allow a revision of type {KEY}: set"
                " AllowOverrideForS3ObjectKey to true in its configuration"
            )
        if kind in overrides.setdefault(name, {}):
            raise invalid(f"The source action '{name}' has two revisions of type {kind}")
        overrides[name][kind] = one["revisionValue"]
    return overrides
