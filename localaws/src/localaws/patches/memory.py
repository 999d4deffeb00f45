"""What MiniStack's services remember: how to take it out, and how to put it back."""

import importlib
import json
import sys
from collections.abc import Callable
from typing import Any

from ministack.core import persistence

# Service name (as in a request) -> module that holds its state. The module's name is also the
# file's, but for Lambda, whose module cannot be called so.
MODULES = {
    "iam": "iam",
    "sts": "sts",
    "s3": "s3",
    "dynamodb": "dynamodb",
    "sns": "sns",
    "sqs": "sqs",
    "logs": "cloudwatch_logs",
    "monitoring": "cloudwatch",
    "events": "eventbridge",
    "scheduler": "scheduler",
    "ssm": "ssm",
    "ecr": "ecr",
    "lambda": "lambda_svc",
    "states": "stepfunctions",
    "cloudformation": "cloudformation",
    "tagging": "tagging",
    "secretsmanager": "secretsmanager",
    "glue": "glue",
    "athena": "athena",
}
_FILES = {"lambda": "lambda"}

# A stopped process cannot go on with these; the words are MiniStack's.
_INTERRUPTED = "States.ServiceRestart"


def restore(service: str) -> None:
    """Import the service and give it back what it held."""
    module = importlib.import_module(f"ministack.services.{MODULES[service]}")
    kept = persistence.load_state(file_of(service))
    if kept:
        module.load_persisted_state(kept)


def take(service: str) -> dict[str, Any] | None:
    """Return what the service holds now, None when it was never used."""
    module = sys.modules.get(f"ministack.services.{MODULES[service]}")
    return module.get_state() if module is not None and hasattr(module, "get_state") else None


def file_of(service: str) -> str:
    """Return the name of the service's file, without its ending."""
    return _FILES.get(service, MODULES.get(service, service))


def encode(service: str, state: dict[str, Any]) -> str:
    """Return the text of the service's file."""
    wrapped = {
        "__ministack_format__": persistence._state_format_version(file_of(service)),
        "payload": state,
    }
    return json.dumps(wrapped, default=persistence._json_default)


def abort_interrupted_executions() -> list[dict[str, Any]]:
    """Abort the executions that ran when the server died, and return them."""
    from ministack.services import stepfunctions

    found = []
    for execution in stepfunctions._executions.all_values():
        if execution.get("error") == _INTERRUPTED:
            execution["status"] = "ABORTED"
            execution["error"] = "LocalAWS.StageStopped"
            execution["cause"] = "the local stage stopped while this execution ran"
            execution["events"].append(
                {
                    "id": len(execution["events"]) + 1,
                    "previousEventId": len(execution["events"]),
                    "type": "ExecutionAborted",
                    "timestamp": execution["stopDate"],
                    "executionAbortedEventDetails": {
                        "error": execution["error"],
                        "cause": execution["cause"],
                    },
                }
            )
            found.append(execution)
    return found


def announce(execution: dict[str, Any]) -> None:
    """Emit the status event of an execution, as Step Functions does at every change."""
    from ministack.services import stepfunctions

    stepfunctions._emit_execution_status_event(execution)


def on_execution_change(tell: Callable[[str, str], None]) -> None:
    """Call `tell(status, definition)` whenever an execution starts (RUNNING) or ends."""
    from ministack.services import stepfunctions

    emit = stepfunctions._emit_execution_status_event

    def emit_and_tell(execution: dict[str, Any]) -> None:
        emit(execution)
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) or {}
        tell(execution["status"], machine.get("definition", ""))

    stepfunctions._emit_execution_status_event = emit_and_tell
