"""Moves executions forward: an execution is advanced whenever something about it changes.

Nothing here waits. Actions run on threads of their own and come back through `finish`; an
approval that waits is a record and nothing else, and so it survives the process.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from kanmon.local.codepipeline import conditions, events, records
from kanmon.local.codepipeline.names import Names, artifact_key
from kanmon.local.codepipeline.ports import (
    Acting,
    ActionError,
    Artifact,
    Ports,
    Provider,
    Result,
    Task,
)
from kanmon.local.codepipeline.progress import Next, may_enter, step
from kanmon.local.codepipeline.records import RUNNING, Record, stage_name
from kanmon.local.codepipeline.state import State, waits_for
from kanmon.local.codepipeline.variables import VariableError, resolve_all
from kanmon.local.emulator import Event

log = logging.getLogger(__name__)

STOPPED_WORDS = "the local stage stopped while this action ran"


class Engine:
    """All executions under way. Callers hold the service's lock, but for `finish`."""

    def __init__(
        self,
        ports: Ports,
        state: State,
        names: Names,
        providers: Mapping[str, Provider],
        lock: threading.RLock,
    ) -> None:
        self._ports = ports
        self._state = state
        self._names = names
        self._providers = providers
        self._lock = lock
        self._abandoned: dict[str, threading.Event] = {}
        self._due: deque[Record] = deque()
        self._moving = False
        self.open_approval: Callable[[Record, Record], None] = lambda execution, record: None

    # Moving on

    def advance(self, execution: Record) -> None:
        """Do all that can be done now; afterwards the execution waits for something, or is over.

        What one execution does may let others move: they take their turn, never in its midst.
        """
        self._due.append(execution)
        if self._moving:
            return
        self._moving = True
        try:
            while self._due:
                one = self._due.popleft()
                while one["status"] in RUNNING and self._move(one):
                    pass
        finally:
            self._moving = False
        self._ports.changed()

    def _move(self, execution: Record) -> bool:
        if execution["status"] == "Stopping":
            return self._stop_if_idle(execution)
        name = stage_name(execution)
        stage = execution["stages"][name]
        if stage["status"] is None:
            return self._enter(execution, name)
        declared = self._state.stage_declaration(execution, name)
        decided = step(declared["actions"], self._state.statuses(execution, name))
        if decided.next is Next.WAIT:
            return False
        if decided.next is Next.START:
            for action in decided.actions:
                self._start(execution, name, action)
        elif decided.next is Next.FAIL:
            self._leave(execution, name, "Failed")
            self._end(execution, "Failed")
        else:
            self._leave(execution, name, "Succeeded")
            self._go_on(execution)
        return True

    def _enter(self, execution: Record, name: str) -> bool:
        """Enter the stage if it is open and free; tell whether anything changed."""
        if self._state.closed_transition(execution):
            self._supersede(execution, name)
            return False
        inside, waiting = self._state.others(execution, name)
        if not may_enter(execution["mode"], execution["number"], inside, waiting):
            self._supersede(execution, name)
            return False
        self._supersede(execution, name)
        now = self._ports.now()
        stage = execution["stages"][name]
        declared = self._state.stage_declaration(execution, name)
        stage.update(status="InProgress", started=now)
        self._touch(execution)
        engaged = self._check_conditions(execution, name, declared)
        if engaged == "Skipped":
            stage["status"] = "Skipped"
            self._go_on(execution)
            return True
        self._emit(events.stage_event(self._arn(execution), execution, name, "STARTED"))
        if engaged == "Failed":
            self._leave(execution, name, "Failed")
            self._end(execution, "Failed")
        return True

    def _check_conditions(
        self, execution: Record, name: str, declared: Mapping[str, Any]
    ) -> str | None:
        """Evaluate beforeEntry; return the status the stage gets for a condition not met."""
        stage = execution["stages"][name]
        for condition in declared.get("beforeEntry", {}).get("conditions", []):
            now = self._ports.now()
            checked = [
                conditions.check_rule(rule, records.scopes(execution))
                for rule in condition["rules"]
            ]
            status = conditions.fold(checked)
            rules = [
                {**asdict(rule), "id": f"{execution['id']}/{name}/{rule.name}", "at": now}
                for rule in checked
            ]
            stage["condition"] = {"status": status, "at": now, "rules": rules}
            execution["rules"] += [{**rule, "stage": name} for rule in rules]
            if status == conditions.ERRORED or (
                status == conditions.FAILED and condition["result"] == "FAIL"
            ):
                execution["summary"] = f"The condition for entering stage {name} was not met"
                return "Failed"
            if status == conditions.FAILED:
                return "Skipped"
        return None

    def _supersede(self, execution: Record, name: str) -> None:
        """End the older executions that wait for the same stage."""
        if execution["mode"] != "SUPERSEDED":
            return
        for other in self._state.waiting_for(execution, name):
            if other["number"] < execution["number"]:
                other["summary"] = f"Superseded by execution {execution['id']}"
                self._end(other, "Superseded")

    def _leave(self, execution: Record, name: str, status: str) -> None:
        execution["stages"][name]["status"] = status
        event = events.stage_event(self._arn(execution), execution, name, status.upper())
        self._emit(event)

    def _go_on(self, execution: Record) -> None:
        if execution["stage"] + 1 == len(execution["stages"]):
            self._end(execution, "Succeeded")
            return
        execution["stage"] += 1
        self._touch(execution)
        self.wake(execution["pipeline"])

    def _end(self, execution: Record, status: str) -> None:
        execution["status"] = status
        self._touch(execution)
        self._emit(events.pipeline_event(self._arn(execution), execution, status.upper()))
        self.wake(execution["pipeline"])

    def wake(self, pipeline: str) -> None:
        """Let the executions that wait before a stage see whether they may enter it now."""
        for execution in self._state.executions_of(pipeline):
            if waits_for(execution, stage_name(execution)):
                self.advance(execution)

    # Stopping

    def stop(self, execution: Record, *, abandon: bool, reason: str | None) -> None:
        """Begin to stop; with `abandon`, do not wait for the actions that run."""
        begins = execution["status"] != "Stopping"
        execution["status"] = "Stopping"
        execution["stopping"] = {"abandon": abandon, "reason": reason}
        self._touch(execution)
        if begins:
            self._emit(events.pipeline_event(self._arn(execution), execution, "STOPPING"))
            name = stage_name(execution)
            if execution["stages"][name]["status"] == "InProgress":
                execution["stages"][name]["status"] = "Stopping"
                event = events.stage_event(self._arn(execution), execution, name, "STOPPING")
                self._emit(event)
        if abandon:
            self.abandon_actions(execution, "ABANDONED")
        self.advance(execution)

    def abandon_actions(self, execution: Record, state: str) -> None:
        for record in records.running_actions(execution):
            record.update(status="Abandoned", updated=self._ports.now())
            self._emit(events.action_event(self._arn(execution), execution, record, state))
            if record["id"] in self._abandoned:
                self._abandoned.pop(record["id"]).set()

    def cancel(self, execution: Record) -> None:
        """End an execution because its pipeline's structure was changed."""
        self.abandon_actions(execution, "CANCELED")
        name = stage_name(execution)
        if execution["stages"][name]["status"] in RUNNING:
            execution["stages"][name]["status"] = "Cancelled"
            event = events.stage_event(self._arn(execution), execution, name, "CANCELED")
            self._emit(event)
        execution.update(status="Cancelled", summary="The pipeline's structure was updated")
        self._touch(execution)
        self._emit(events.pipeline_event(self._arn(execution), execution, "CANCELED"))

    def _stop_if_idle(self, execution: Record) -> bool:
        if records.running_actions(execution):
            return False
        name = stage_name(execution)
        if execution["stages"][name]["status"] == "Stopping":
            self._leave(execution, name, "Stopped")
        execution["summary"] = execution["stopping"]["reason"]
        self._end(execution, "Stopped")
        return False

    # Actions

    def _start(self, execution: Record, stage: str, declared: Mapping[str, Any]) -> None:
        inputs = [
            {**execution["artifacts"].get(artifact["name"], {}), "name": artifact["name"]}
            for artifact in declared["inputArtifacts"]
        ]
        known = [artifact for artifact in inputs if "key" in artifact]
        region = declared.get("region", self._names.region)
        record = records.new_action(stage, declared, known, region, self._ports.now())
        execution["actions"][record["id"]] = record
        execution["stages"][stage]["runs"][declared["name"]] = record["id"]
        self._touch(execution)
        self._emit(events.action_event(self._arn(execution), execution, record, "STARTED"))
        try:
            resolved = resolve_all(declared["configuration"], records.scopes(execution))
        except VariableError as error:
            self._failed(execution, record, ActionError("ConfigurationError", str(error)))
            return
        record["input"]["resolvedConfiguration"] = resolved
        missing = [artifact["name"] for artifact in inputs if "key" not in artifact]
        if missing:
            words = f"The input artifact {missing[0]} was not made: its stage was skipped"
            self._failed(execution, record, ActionError("ConfigurationError", words))
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
                self._failed(execution, record, outcome)
            elif record["approval"] is not None:
                record["approval"]["notified"] = True  # it goes on waiting for a person
                self._ports.changed()
                return
            else:
                self._succeeded(execution, record, task, outcome)
            self.advance(execution)

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
            execution["revisions"].append(
                {"actionName": task.action, "artifacts": names, **revision}
            )
        self.succeed(execution, record, result.variables)

    def succeed(self, execution: Record, record: Record, made: Mapping[str, str]) -> None:
        """Note the success of a run, and the variables it leaves to the others."""
        record.update(status="Succeeded", updated=self._ports.now(), variables=dict(made))
        namespace = record["input"].get("namespace")
        if namespace:
            execution["namespaces"][namespace] = dict(made)
        self._told(execution, record, "SUCCEEDED")

    def _failed(self, execution: Record, record: Record, error: ActionError) -> None:
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
                self._failed(execution, record, error)

    def _told(self, execution: Record, record: Record, state: str) -> None:
        self._touch(execution)
        self._emit(events.action_event(self._arn(execution), execution, record, state))

    def _touch(self, execution: Record) -> None:
        execution["updated"] = self._ports.now()
        self._ports.changed()

    def _arn(self, execution: Record) -> str:
        return self._names.arn(execution["pipeline"])

    def _emit(self, event: Event) -> None:
        self._ports.emit(event)
