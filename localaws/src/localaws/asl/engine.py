"""Joins MiniStack's Step Functions API to moto's interpreter.

Differences from AWS that a reader of a machine could notice: executions do not outlive the stage
(one that ran when it stopped is ABORTED at the next start), nothing is redriven, waits and
retries take real time.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import yaml

from localaws.asl import clients

log = logging.getLogger(__name__)

# libyaml's, where PyYAML was built with that: ten times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_running: dict[str, Any] = {}
Response = tuple[int, dict[str, str], bytes]


def install(endpoint: str) -> None:
    """Put moto's interpreter behind MiniStack's API, which must be imported already."""
    from ministack.services import stepfunctions as states
    from ministack.services.cloudformation import provisioners

    clients.use_endpoint(endpoint)
    states._run_execution = _run
    states._start_execution = _idempotent_start(states._start_execution)
    states._stop_execution = _stop_really(states._stop_execution)
    states._get_execution_history = _live_history(states._get_execution_history)
    states._validate_definition_jsonata = _also_interpretable(states._validate_definition_jsonata)
    provisioners._sfn_definition = _checked_definition(provisioners._sfn_definition)
    states._send_task_success = lambda data: _answer(data, data.get("output", "{}"), None, None)
    states._send_task_failure = lambda data: _answer(
        data, None, data.get("error"), data.get("cause")
    )


def warm_up() -> None:
    """Import moto, and read what clients need, ahead of the first machine: about a second."""
    from localaws.asl import interpreter

    clients.read_descriptions("lambda", "sagemaker")
    interpreter.check(
        '{"QueryLanguage": "JSONata", "StartAt": "S", "States": {"S": {"Type": "Succeed"}}}'
    )


def running() -> list[str]:
    """ARNs of the executions under way in this process."""
    return list(_running)


def _run(execution_arn: str) -> None:
    """Run one execution to its end. Called by MiniStack on a thread of its own."""
    from ministack.services import stepfunctions as states

    from localaws.asl import interpreter

    record = states._executions[execution_arn]
    machine = states._state_machines[record["stateMachineArn"]]
    try:
        run = interpreter.start(
            execution_arn, record["name"], machine, machine["roleArn"], record["input"]
        )
    except Exception as error:
        log.exception("execution could not start", extra={"execution": execution_arn})
        _close(record, "FAILED", None, "States.Runtime", str(error))
        return
    _running[execution_arn] = run
    if record["status"] == "ABORTED":  # stopped while the interpreter was being made
        run.stop(record.get("error"), record.get("cause"))
    run.ended.wait()
    outcome = run.outcome()
    record["events"] = run.events()
    del _running[execution_arn]
    if record["status"] == "RUNNING":
        _close(record, outcome.status, outcome.output, outcome.error, outcome.cause)


def _close(
    record: dict[str, Any], status: str, output: str | None, error: str | None, cause: str | None
) -> None:
    from ministack.services import stepfunctions as states

    record.update(output=output, error=error, cause=cause, stopDate=states.now_iso())
    record["status"] = status
    states._emit_execution_status_event(record)


def _idempotent_start(start: Callable[[Any], Response]) -> Callable[[Any], Response]:
    """AWS answers a repeated StartExecution (same name, same input, still running) with the first
    one's answer; MiniStack always refuses it."""

    def start_once(data: dict[str, Any]) -> Response:
        from ministack.services import stepfunctions as states

        machine = str(data.get("stateMachineArn", "")).replace(":stateMachine:", ":execution:", 1)
        record = states._executions.get(f"{machine}:{data.get('name')}")
        if (
            record is not None
            and record["status"] == "RUNNING"
            and json.loads(record["input"]) == json.loads(data.get("input", "{}"))
        ):
            body = {"executionArn": record["executionArn"], "startDate": record["startDate"]}
            return states.json_response(body)  # type: ignore[no-any-return]
        return start(data)

    return start_once


def _stop_really(stop: Callable[[Any], Response]) -> Callable[[Any], Response]:
    """MiniStack marks the execution ABORTED; its tasks must learn of it, too."""

    def stop_both(data: dict[str, Any]) -> Response:
        answer = stop(data)
        run = _running.get(str(data.get("executionArn")))
        if run is not None and answer[0] == 200:
            threading.Thread(
                target=run.stop, args=(data.get("error"), data.get("cause")), daemon=True
            ).start()
        return answer

    return stop_both


def _live_history(history: Callable[[Any], Response]) -> Callable[[Any], Response]:
    """The interpreter holds the events of a running execution; the record gets them at the end."""

    def refreshed(data: dict[str, Any]) -> Response:
        from ministack.services import stepfunctions as states

        arn = str(data.get("executionArn"))
        run, record = _running.get(arn), states._executions.get(arn)
        if run is not None and record is not None:
            record["events"] = run.events() or record["events"]
        return history(data)

    return refreshed


def _also_interpretable(validate: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
    def validate_both(definition: Any) -> str | None:
        return validate(definition) or _refusal(definition)

    return validate_both


def _checked_definition(resolve: Callable[[Any], str]) -> Callable[[Any], str]:
    # A DefinitionUri may be YAML; the interpreters read JSON.
    def resolve_and_check(properties: dict[str, Any]) -> str:
        definition = resolve(properties)
        if not definition.lstrip().startswith("{"):
            definition = json.dumps(yaml.load(definition, LOADER))  # noqa: S506 - a safe one
        refused = _refusal(definition)
        if refused:
            raise ValueError(f"Invalid State Machine Definition: '{refused}'")
        return definition

    return resolve_and_check


def _refusal(definition: Any) -> str | None:
    """Why the interpreter cannot run `definition`, or None. Without this check a machine it cannot
    parse would leave its executions RUNNING for ever."""
    from localaws.asl import interpreter

    try:
        interpreter.check(definition)
    except Exception as error:
        return f"SCHEMA_VALIDATION_FAILED: {error}"
    return None


def _answer(
    data: dict[str, Any], output: str | None, error: str | None, cause: str | None
) -> Response:
    from ministack.services import stepfunctions as states

    token = str(data.get("taskToken"))
    if any(run.answer(token, output, error, cause) for run in list(_running.values())):
        return states.json_response({})  # type: ignore[no-any-return]
    return states.error_response_json(  # type: ignore[no-any-return]
        "TaskDoesNotExist", "Task does not exist anymore, or its execution has ended", 400
    )
