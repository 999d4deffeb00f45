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
                prepare_steps_after(step)
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


def steps_of_a_run() -> tuple[str, ...]:
    """The steps that can be functions too, in the order in which a run calls them."""
    return _steps


def prepare(wanted: Wanted) -> None:
    """Start an instance of each wanted function that has none waiting: it will soon be called.

    `wanted` is asked with a function's configuration.
    """
    with request_scope(ACCOUNT, REGION):
        for func in list(lambda_svc._functions.values()):
            if wanted(func["config"]):
                _prepare(func)


def steps_of(definition: str) -> list[str]:
    """The steps that a state machine with this definition can call as functions."""
    with request_scope(ACCOUNT, REGION):
        return [step for step, config in _step_functions() if config["FunctionArn"] in definition]


def prepare_step(step: str, definition: str | None = None) -> bool:
    """Start an instance of a step's function: see `prepare`. Returns whether one was started.

    `definition`: only of one that this state machine can call.
    """
    started = False
    with request_scope(ACCOUNT, REGION):
        for name, config in _step_functions():
            named = definition is None or config["FunctionArn"] in definition
            if _pool and named and name == step:
                with contextlib.suppress(RoleRefusedError):
                    started = _pool.prepare(config, None) or started
    return started


def prepare_steps_after(step: str) -> None:
    """Start an instance of the functions of a run's later steps: another run may have taken those
    that waited. The work of all steps may be shorter than the imports of one."""
    for later in _steps[_steps.index(step) + 1 :] if step in _steps else ():
        prepare_step(later)


def _step_functions() -> list[tuple[str, dict[str, Any]]]:
    """Each step with the configuration of its function."""
    configs = [func["config"] for func in list(lambda_svc._functions.values())]
    named = [(_pool.step_of(config), config) for config in configs] if _pool else []
    return [(step, config) for step, config in named if step is not None]


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
