"""One function instance: a forked process that holds a handler and answers invocations."""

import decimal
import importlib
import json
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn

from localaws.functions import wire

Handler = Callable[[Any, Any], Any]


def run(order: dict[str, Any], connection: socket.socket, output: int) -> NoReturn:
    """Become the function that `order` describes; ends with the process."""
    for stream in (1, 2):
        os.dup2(output, stream)
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    enter(order)
    code = 0
    try:
        _serve(order, connection)
    except (EOFError, OSError):
        pass  # the server is gone
    except BaseException:
        traceback.print_exc()
        code = 1
    _flush()
    os._exit(code)


def enter(order: dict[str, Any]) -> None:
    """Go to where the function's code is, and import from there. Twice is as good as once."""
    folder = order["folder"]
    os.chdir(folder)
    if sys.path[0] != folder:
        sys.path[:0] = [folder, *order["libraries"]]
    # The folder is the stage's own: who wants no bytecode beside his sources does not mean it.
    sys.dont_write_bytecode = False


def _serve(order: dict[str, Any], connection: socket.socket) -> None:
    # Before anything that could hang: the server ends it by this number.
    wire.send(connection, {"pid": os.getpid()})
    handler, problem = _load(order["handler"])
    _flush()
    wire.send(connection, {"error": problem})
    while handler:
        call, _ = wire.receive(connection)
        answer = _invoke(handler, order, call)
        _flush()
        wire.send(connection, answer)


def _load(name: str) -> tuple[Handler | None, dict[str, Any] | None]:
    """Import the handler, or report its failure as AWS would."""
    module_name, _, function_name = name.replace("/", ".").rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        return None, _failed("Runtime.ImportModuleError", message)
    except Exception as error:
        return None, _failed(type(error).__name__, str(error), error)
    handler = getattr(module, function_name, None)
    if handler is None:
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        return None, _failed("Runtime.HandlerNotFound", message)
    return handler, None


def _invoke(handler: Handler, order: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
    if call["trace"]:
        os.environ["_X_AMZN_TRACE_ID"] = call["trace"]
    try:
        result = handler(call["event"], _context(order, call))
    except SystemExit as error:
        return {"error": _failed("Runtime.ExitError", f"the handler exited with {error.code}")}
    except Exception as error:
        return {"error": _failed(type(error).__name__, str(error), error)}
    try:
        return {"result": json.loads(json.dumps(result, default=_number))}
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return {"error": _failed("Runtime.MarshalError", message)}


def _context(order: dict[str, Any], call: dict[str, Any]) -> SimpleNamespace:
    environment = order["environment"]
    deadline = time.monotonic() + call["timeout"]
    return SimpleNamespace(
        function_name=environment["AWS_LAMBDA_FUNCTION_NAME"],
        function_version=environment["AWS_LAMBDA_FUNCTION_VERSION"],
        memory_limit_in_mb=environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
        invoked_function_arn=call["arn"],
        aws_request_id=call["request"],
        log_group_name=environment["AWS_LAMBDA_LOG_GROUP_NAME"],
        log_stream_name=environment["AWS_LAMBDA_LOG_STREAM_NAME"],
        identity=None,
        client_context=None,
        tenant_id=None,
        get_remaining_time_in_millis=lambda: max(0, int((deadline - time.monotonic()) * 1000)),
    )


def _failed(kind: str, message: str, error: BaseException | None = None) -> dict[str, Any]:
    """Log the failure as Lambda's runtime does, and return its error document."""
    trace = traceback.format_tb(error.__traceback__)[1:] if error else []
    print(f"[ERROR] {kind}: {message}", file=sys.stderr)
    if trace:
        print("Traceback (most recent call last):\n" + "".join(trace), end="", file=sys.stderr)
    return {"errorMessage": message, "errorType": kind, "stackTrace": trace}


def _number(value: object) -> float:
    if isinstance(value, decimal.Decimal):
        return float(value)
    raise TypeError(f"{value!r} is not JSON serializable")


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
