"""One execution inside moto's interpreter."""

from __future__ import annotations

import datetime
import json
import threading
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.backend.state_machine import StateMachineInstance

from localaws.asl import moto_fixes, parsing

moto_fixes.apply()


@dataclass(frozen=True)
class Outcome:
    """How an execution ended, in the words of DescribeExecution."""

    status: str
    output: str | None = None
    error: str | None = None
    cause: str | None = None


@dataclass
class Running:
    """An execution under way."""

    execution: Any
    ended: threading.Event = field(default_factory=threading.Event)
    crash: BaseException | None = None
    _converted: list[dict[str, Any]] = field(default_factory=list)
    _converting: threading.Lock = field(default_factory=threading.Lock)

    def outcome(self) -> Outcome:
        """How it ended. To be asked once `ended` is set."""
        if self.crash is not None:
            return Outcome("FAILED", error="States.Runtime", cause=str(self.crash))
        status = str(getattr(self.execution.exec_status, "value", self.execution.exec_status))
        if status == "SUCCEEDED":
            return Outcome(status, output=json.dumps(self.execution.output, default=str))
        return Outcome(status, error=self.execution.error, cause=self.execution.cause)

    def events(self) -> list[dict[str, Any]]:
        """The history so far, in the form of GetExecutionHistory."""
        worker = self.execution.exec_worker
        if worker is None or worker.env is None:
            return []
        # Who follows a run asks several times a second: only what came since is converted, and
        # nothing is copied, as moto's own method would do.
        manager = worker.env.event_manager
        with self._converting, manager._mutex:
            fresh = manager._history_event_list[len(self._converted) :]
            self._converted.extend(json.loads(json.dumps(fresh, default=_text)))
            return list(self._converted)

    def stop(self, error: str | None, cause: str | None) -> None:
        """Abort. Tasks under way learn of it and stop what they started.

        moto forgets a stop that comes before the first state, so wait: the definition is parsed.
        """
        while not self._has_begun() and not self.ended.wait(0.01):
            pass
        now = datetime.datetime.now(datetime.UTC)
        self.execution.stop(stop_date=now, error=error, cause=cause)

    def _has_begun(self) -> bool:
        env = self.execution.exec_worker.env
        return env is not None and env.next_state_name is not None

    def answer(self, token: str, output: str | None, error: str | None, cause: str | None) -> bool:
        """Hand a task token's answer in. False where this execution does not wait for it."""
        outcome = (
            CallbackOutcomeSuccess(callback_id=token, output=output)
            if output is not None
            else CallbackOutcomeFailure(callback_id=token, error=error, cause=cause)
        )
        pool = self.execution.exec_worker.env.callback_pool_manager
        try:
            return bool(pool.notify(callback_id=token, outcome=outcome))
        except ValueError:
            return False


class _Environment(Environment):  # type: ignore[misc]
    """moto's, but a stop is final, and wakes also a Wait state that is only about to sleep."""

    def set_stop(self, stop_date: Any, cause: str | None, error: str | None) -> None:
        super().set_stop(stop_date=stop_date, cause=cause, error=error)
        self.program_state_event.set()

    def set_error(self, error: Any) -> None:
        if not isinstance(self.program_state(), ProgramStopped):  # it stumbled over the stop
            super().set_error(error)


class _Worker(ExecutionWorker):  # type: ignore[misc]
    """moto's worker; reports when it has ended, however it ended, and knows redrives."""

    running: Running

    def _get_evaluation_entrypoint(self) -> Any:
        return deepcopy(_parsed(self._evaluation_details.state_machine_details.definition))

    def _get_evaluation_environment(self) -> Any:
        env = super()._get_evaluation_environment()
        env.__class__ = _Environment
        # moto's context lacks it. Nothing is redriven here, so the count is always 0.
        env.states.context_object.context_object_data["Execution"]["RedriveCount"] = 0
        return env

    def _execution_logic(self) -> None:
        try:
            super()._execution_logic()
        except BaseException as error:
            self.running.crash = error
            raise
        finally:
            self.running.ended.set()


class _Execution(Execution):  # type: ignore[misc]
    running: Running

    def _get_start_execution_worker(self) -> _Worker:
        made = super()._get_start_execution_worker()
        made.__class__ = _Worker
        made.running = self.running
        return made  # type: ignore[no-any-return]


@lru_cache(maxsize=32)
def _parsed(definition: str) -> Any:
    """A program to copy: parsing takes ~60 ms, a copy 5, and each serves one execution."""
    return parsing.parse(definition)


def check(definition: str) -> None:
    """Raise with the interpreter's reason if it cannot run `definition`; keep it parsed if so."""
    _parsed(definition)


def start(
    execution_arn: str, name: str, machine: dict[str, Any], role_arn: str, input_text: str
) -> Running:
    """Start `machine` (MiniStack's record of it) under its role."""
    _, _, _, region, account = execution_arn.split(":")[:5]
    instance = StateMachineInstance.__new__(StateMachineInstance)
    instance.name, instance.arn = machine["name"], machine["stateMachineArn"]
    instance.definition, instance.role_arn = machine["definition"], role_arn
    instance.sm_type, instance.revision_id = "STANDARD", None
    execution = _Execution(
        name=name,
        sm_type="STANDARD",
        role_arn=role_arn,
        exec_arn=execution_arn,
        account_id=account,
        region_name=region,
        state_machine=instance,
        start_date=datetime.datetime.now(datetime.UTC),
        cloud_watch_logging_session=None,
        activity_store={},
        input_data=input_text or "{}",
    )
    execution.running = Running(execution)
    execution.start()
    return execution.running


def _text(value: Any) -> Any:
    return value.timestamp() if isinstance(value, datetime.datetime) else str(value)
