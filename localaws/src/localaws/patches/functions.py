"""MiniStack's Lambda: its API and storage, with our way to run functions behind."""

import contextlib
from collections.abc import Callable
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import lambda_svc

from localaws import authorization, persistence
from localaws.credentials import RoleRefusedError
from localaws.functions.service import Functions
from localaws.home import ACCOUNT, REGION
from localaws.patches import aliases, deliveries, lambda_requests, metrics, versions

Wanted = Callable[[dict[str, Any]], bool]

# So many of a run's steps are begun before they are called.
AHEAD = 2

_pool: Functions | None = None
# The steps that are functions too, in the order in which a run calls them.
_steps: tuple[str, ...] = ()


def install(functions: Functions, steps: tuple[str, ...] = ()) -> None:
    """Run Python functions as instances of `functions`.

    MiniStack's own workers report every error as Runtime.HandlerError, which no Retry or Catch
    matches, start the interpreter anew for each function and give it guessable credentials.
    """

    def execute(func: dict[str, Any], event: object, request_id: str) -> dict[str, Any]:
        config = func.get("config") or func
        trace = lambda_svc._xray_trace_id_for_invocation(config)
        try:
            named = {**config, "FunctionArn": aliases.invoked_arn(config)}
            step = functions.step_of(config)
            if step:
                prepare_step_after(step)
            package, once = func.get("code_zip"), step in _steps
            outcome = functions.invoke(named, package, event, request_id, trace, once=once)
        except RoleRefusedError as error:  # AWS would have refused the function's configuration
            document = {"errorType": "AccessDeniedException", "errorMessage": str(error)}
            return {"body": document, "error": True, "log": ""}
        if outcome.error is None:
            return {"body": outcome.result, "log": outcome.output}
        return {"body": outcome.error, "error": True, "log": outcome.output}

    global _pool, _steps
    _pool, _steps = functions, steps
    lambda_svc._execute_function_warm = execute
    # Functions that are images; nothing else gets there.
    lambda_svc._execute_function_docker = execute
    aliases.install()
    versions.install()
    lambda_requests.install()
    metrics.install()
    deliveries.install()
    _report_each_invocation()


def _report_each_invocation() -> None:
    """Count it, and write its log as its role: on AWS one that may not leaves no log at all."""
    emit = lambda_svc._emit_lambda_logs

    def report(
        func: dict[str, Any],
        request_id: str,
        log_text: str,
        error: bool,
        duration_ms: int,
        **more: Any,
    ) -> None:
        config = func.get("config") or func
        arn = aliases.invoked_arn(config)
        metrics.invoked(arn, config["Version"], error=error, milliseconds=duration_ms)
        if _may_write_its_log(config):
            emit(func, request_id, log_text, error, duration_ms, **more)
            metrics.embedded(log_text.splitlines())
            persistence.changed("logs")

    lambda_svc._emit_lambda_logs = report


def _may_write_its_log(config: dict[str, Any]) -> bool:
    group = (config.get("LoggingConfig") or {}).get("LogGroup")
    name = group or f"/aws/lambda/{config['FunctionName']}"
    streams = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:log-stream:any"
    return all(
        authorization.allowed(config["Role"], f"logs:{action}", streams)
        for action in ("CreateLogStream", "PutLogEvents")
    )


def layers_of(config: dict[str, Any]) -> list[bytes]:
    """The content of a function's layers, in their order."""
    with request_scope(ACCOUNT, REGION):
        found = (lambda_svc._resolve_layer_zip(layer) for layer in config.get("Layers") or [])
        return [content for content in found if content]


def prepare(wanted: Wanted) -> None:
    """Start an instance of each wanted function that has none waiting: it will soon be called.

    `wanted` is asked with a function's configuration.
    """
    with request_scope(ACCOUNT, REGION):
        for func in list(lambda_svc._functions.values()):
            if wanted(func["config"]):
                _prepare(func)


def prepare_step_after(step: str | None, definition: str | None = None) -> bool:
    """Start an instance of the functions of a run's next two steps: see `prepare`.

    The work of one step may be shorter than the imports of the next. `definition`: only where it
    names them. Returns whether any step is such a function.
    """
    order = (None, *_steps)
    if _pool is None or step not in order[:-1]:
        return False
    place, found = order.index(step) + 1, False
    following = order[place : place + AHEAD]
    with request_scope(ACCOUNT, REGION):
        for func in list(lambda_svc._functions.values()):
            config = func["config"]
            named = definition is None or config["FunctionArn"] in definition
            its_step = _pool.step_of(config) if named else None
            found = found or its_step is not None
            if its_step is not None and its_step in following:
                with contextlib.suppress(RoleRefusedError):
                    _pool.prepare(config, None)
    return found


def prepare_version(arn: str) -> None:
    """The same for one published version."""
    name, _, version = arn.partition(":function:")[2].partition(":")
    with request_scope(ACCOUNT, REGION):
        func = (lambda_svc._functions.get(name) or {}).get("versions", {}).get(version)
        if func:
            _prepare(func)


def _prepare(func: dict[str, Any]) -> None:
    """One that cannot start fails when it is called."""
    config = func["config"]
    if _pool and func.get("code_zip") and str(config.get("Runtime", "")).startswith("python"):
        with contextlib.suppress(RoleRefusedError):
            _pool.prepare(config, func["code_zip"])
