"""Runs of actions: each is a record, and a thread for as long as its provider works on it."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from localaws.codepipeline import events, records
from localaws.codepipeline.account import (
    Acting,
    ActionError,
    Artifact,
    Names,
    Ports,
    Provider,
    Result,
    Task,
    artifact_key,
)
from localaws.codepipeline.records import Record, State
from localaws.codepipeline.rules import VariableError, resolve_all

log = logging.getLogger(__name__)

STOPPED_WORDS = "the local stage stopped while this action ran"


class Runs:
    """Starts runs and takes what comes of them. Callers hold the lock, but for `finish`."""

    def __init__(
        self,
        ports: Ports,
        state: State,
        names: Names,
        providers: Mapping[str, Provider],
        lock: threading.RLock,
        advance: Callable[[Record], None],
    ) -> None:
        self._ports = ports
        self._state = state
        self._names = names
        self._providers = providers
        self._lock = lock
        self._advance = advance
        self._abandoned: dict[str, threading.Event] = {}
        self.open_approval: Callable[[Record, Record], None] = lambda execution, record: None

    def start(self, execution: Record, stage: str, declared: Mapping[str, Any]) -> None:
        inputs = [
            {**execution["artifacts"].get(artifact["name"], {}), "name": artifact["name"]}
            for artifact in declared["inputArtifacts"]
        ]
        known = [artifact for artifact in inputs if "key" in artifact]
        region = declared.get("region", self._names.region)
        record = records.new_action(stage, declared, known, region, self._ports.now())
        execution["actions"][record["id"]] = record
        execution["stages"][stage]["runs"][declared["name"]] = record["id"]
        self._told(execution, record, "STARTED")
        try:
            resolved = resolve_all(declared["configuration"], records.scopes(execution))
        except VariableError as error:
            self.failed(execution, record, ActionError("ConfigurationError", str(error)))
            return
        record["input"]["resolvedConfiguration"] = resolved
        missing = [artifact["name"] for artifact in inputs if "key" not in artifact]
        if missing:
            words = f"The input artifact {missing[0]} was not made: its stage was skipped"
            self.failed(execution, record, ActionError("ConfigurationError", words))
            return
        if declared["actionTypeId"]["category"] == "Approval":
            self.open_approval(execution, record)
        self.run_provider(execution, record, declared)

    def run_provider(self, execution: Record, record: Record, declared: Mapping[str, Any]) -> None:
        """Have the action's provider work on a thread of its own."""
        task = self._task(execution, record, declared)
        provider = self._providers[declared["actionTypeId"]["provider"]]
        threading.Thread(
            target=self._run,
            args=(provider, task),
            name=f"{task.pipeline} {task.action}",
            daemon=True,
        ).start()

    def _task(self, execution: Record, record: Record, declared: Mapping[str, Any]) -> Task:
        declaration = self._state.declaration(execution)
        bucket = declaration["artifactStore"]["location"]
        outputs = [
            Artifact(made["name"], bucket, artifact_key(execution["pipeline"], made["name"]))
            for made in declared["outputArtifacts"]
        ]
        inputs = [
            Artifact(**execution["artifacts"][artifact["name"]])
            for artifact in declared["inputArtifacts"]
        ]
        abandoned = self._abandoned[record["id"]] = threading.Event()

        def report(external_id: str, url: str | None) -> None:
            with self._lock:
                record["result"]["externalExecutionId"] = external_id
                if url:
                    record["result"]["externalExecutionUrl"] = url
                self._ports.changed()

        return Task(
            pipeline=execution["pipeline"],
            execution=execution["id"],
            stage=record["stage"],
            action=record["action"],
            id=record["id"],
            acting=Acting(declaration["roleArn"], declared.get("roleArn")),
            configuration=record["input"]["resolvedConfiguration"],
            inputs=inputs,
            outputs=outputs,
            overrides=execution["overrides"].get(record["action"], {}),
            abandoned=abandoned,
            report=report,
            approval=record["approval"],
        )

    def _run(self, provider: Provider, task: Task) -> None:
        try:
            outcome: Result | ActionError = provider(task)
        except ActionError as error:
            outcome = error
        except Exception as error:
            log.exception("action %s of %s could not run", task.action, task.pipeline)
            outcome = ActionError("SystemUnavailable", f"{type(error).__name__}: {error}")
        self.finish(task, outcome)

    def finish(self, task: Task, outcome: Result | ActionError) -> None:
        """Take what came of an action; nothing happens for one that was abandoned."""
        with self._lock:
            self._abandoned.pop(task.id, None)
            execution = self._state.executions.get(task.execution)
            record = execution["actions"].get(task.id) if execution else None
            if execution is None or record is None or record["status"] != "InProgress":
                return
            if isinstance(outcome, ActionError):
                self.failed(execution, record, outcome)
            elif record["approval"] is not None:
                record["approval"]["notified"] = True  # it goes on waiting for a person
                self._ports.changed()
                return
            else:
                self._succeeded(execution, record, task, outcome)
            self._advance(execution)

    def _succeeded(self, execution: Record, record: Record, task: Task, result: Result) -> None:
        told = {
            "externalExecutionId": result.external_id,
            "externalExecutionSummary": result.summary,
            "externalExecutionUrl": result.url,
        }
        record["result"].update({key: value for key, value in told.items() if value})
        record["outputs"] = [records.located(asdict(made)) for made in task.outputs]
        revision = dict(result.revision or {})
        for made in task.outputs:
            execution["artifacts"][made.name] = {
                **asdict(made),
                "revision": revision.get("revisionId"),
            }
        if revision:
            names = [made.name for made in task.outputs]
            others = [one for one in execution["revisions"] if one["actionName"] != task.action]
            found = {"actionName": task.action, "artifacts": names, **revision}
            execution["revisions"] = [*others, found]
        self.succeed(execution, record, result.variables)

    def succeed(self, execution: Record, record: Record, made: Mapping[str, str]) -> None:
        """Note the success of a run, and the variables it leaves to the others."""
        record.update(status="Succeeded", updated=self._ports.now(), variables=dict(made))
        namespace = record["input"].get("namespace")
        if namespace:
            execution["namespaces"][namespace] = dict(made)
        self._told(execution, record, "SUCCEEDED")

    def failed(self, execution: Record, record: Record, error: ActionError) -> None:
        result = record["result"]
        if error.external_id:
            result["externalExecutionId"] = error.external_id
        result.setdefault("externalExecutionSummary", str(error)[:2048])
        result["errorDetails"] = {"code": error.code, "message": str(error)[:5000]}
        self.fail(execution, record)

    def fail(self, execution: Record, record: Record) -> None:
        """Note the failure of a run; what is known about it is in its result already."""
        record.update(status="Failed", updated=self._ports.now())
        self._told(execution, record, "FAILED")

    def fail_interrupted(self, execution: Record) -> None:
        """Fail the actions that ran in an earlier process. Approvals go on waiting."""
        for record in records.running_actions(execution):
            if record["approval"] is None:
                error = ActionError("SystemUnavailable", STOPPED_WORDS)
                record["result"].pop("externalExecutionSummary", None)
                self.failed(execution, record, error)

    def abandon(self, execution: Record, state: str) -> None:
        """Wait no more for what runs; `state` is what the events call it."""
        for record in records.running_actions(execution):
            record.update(status="Abandoned", updated=self._ports.now())
            self._told(execution, record, state)
            if record["id"] in self._abandoned:
                self._abandoned.pop(record["id"]).set()

    def _told(self, execution: Record, record: Record, state: str) -> None:
        execution["updated"] = self._ports.now()
        self._ports.changed()
        arn = self._names.arn(execution["pipeline"])
        self._ports.emit(events.action_event(arn, execution, record, state))
