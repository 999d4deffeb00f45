"""Moves executions forward: an execution is advanced whenever something about it changes.

Nothing here waits, and what waits is a record and nothing else: so it survives the process.
"""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from localaws.codepipeline import events, records
from localaws.codepipeline.account import Names, Ports, Provider
from localaws.codepipeline.records import RUNNING, Record, State, stage_name, waits_for
from localaws.codepipeline.rules import ERRORED, FAILED, Next, check_rule, fold, may_enter, step
from localaws.codepipeline.runs import Runs
from localaws.emulator import Event


class Engine:
    """All executions under way. Callers hold the service's lock."""

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
        self.runs = Runs(ports, state, names, providers, lock, self.advance)
        self._due: deque[Record] = deque()
        self._moving = False

    # Moving on

    def advance(self, execution: Record) -> None:
        """Do all that can be done now; afterwards the execution waits for something, or has ended.

        What one execution does may let others move: they move afterwards, never in between.
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
                self.runs.start(execution, name, action)
        elif decided.next is Next.FAIL:
            self._leave(execution, name, "Failed")
            self._end(execution, "Failed")
        else:
            self._leave(execution, name, "Succeeded")
            self._go_on(execution)
        return True

    def _enter(self, execution: Record, name: str) -> bool:
        """Enter the stage if it is free; return whether anything changed."""
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
            checked = [check_rule(rule, records.scopes(execution)) for rule in condition["rules"]]
            status = fold(checked)
            rules = [asdict(rule) for rule in checked]
            stage["condition"] = {"status": status, "at": self._ports.now(), "rules": rules}
            if status == ERRORED or (status == FAILED and condition["result"] == "FAIL"):
                execution["summary"] = f"The condition for entering stage {name} was not met"
                return "Failed"
            if status == FAILED:
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
            self.runs.abandon(execution, "ABANDONED")
        self.advance(execution)

    def cancel(self, execution: Record) -> None:
        """End an execution because its pipeline's structure was changed."""
        self.runs.abandon(execution, "CANCELED")
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

    def _touch(self, execution: Record) -> None:
        execution["updated"] = self._ports.now()
        self._ports.changed()

    def _arn(self, execution: Record) -> str:
        return self._names.arn(execution["pipeline"])

    def _emit(self, event: Event) -> None:
        self._ports.emit(event)
