"""MiniStack's Lambda aliases: weights that really divide the traffic, checked as Lambda checks.

MiniStack keeps an alias's RoutingConfig and always invokes its main version. Here each invocation
draws its version. The function's own view (context.invoked_function_arn) and the metrics need the
alias that was asked for, so it travels with the invocation.
"""

import functools
import random
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import error_response_json, request_scope
from ministack.services import lambda_svc

from localaws import persistence
from localaws.home import ACCOUNT, REGION

Record = dict[str, Any]
Draw = Callable[[], float]

# Function and alias of the current invocation, where its version was drawn by weight.
_drawn: ContextVar[tuple[str, str]] = ContextVar("drawn_alias", default=("", ""))

_draw: Draw = random.random


def install() -> None:
    """Route by weight wherever a function is invoked, and refuse what Lambda refuses."""
    lambda_svc._invoke = _routed(lambda_svc._invoke)
    lambda_svc._get_func_record_for_ref = _resolved(lambda_svc._get_func_record_for_ref)
    lambda_svc._create_alias = _checked_creation(lambda_svc._create_alias)
    lambda_svc._update_alias = _checked_update(lambda_svc._update_alias)
    lambda_svc._reserved_concurrency = _of_all_versions(lambda_svc._reserved_concurrency)


def use_draw(draw: Draw) -> None:
    """Take this in place of chance; it returns numbers from 0 up to 1."""
    global _draw
    _draw = draw


def choose(alias: Mapping[str, Any], drawn: float) -> str:
    """Return the version of an alias that a drawn number from 0 up to 1 falls upon.

    >>> alias = {"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}}}
    >>> choose(alias, 0.05), choose(alias, 0.1)
    ('2', '1')
    """
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    below = 0.0
    for version, weight in weights.items():
        below += weight
        if drawn < below:
            return str(version)
    return str(alias["FunctionVersion"])


def restore(function: str, alias: str, version: str) -> None:
    """Point an alias that is there at one version, with all of the traffic."""
    with request_scope(ACCOUNT, REGION):
        record = lambda_svc._functions.get(function)
        if record and alias in record["aliases"]:
            change = {"FunctionVersion": version, "RoutingConfig": {}}
            lambda_svc._update_alias(function, alias, change)
            persistence.changed("lambda")


def invoked_arn(config: Mapping[str, Any]) -> str:
    """Return the ARN by which the current invocation named the function: alias and all."""
    arn, (function, alias) = str(config["FunctionArn"]), _drawn.get()
    return f"{arn.rpartition(':')[0]}:{alias}" if function == config["FunctionName"] else arn


def _routed(invoke: Any) -> Any:
    @functools.wraps(invoke)
    async def routed(
        name: str,
        event: Any,
        headers: dict[str, str],
        path_qualifier: str | None = None,
        query_params: dict[str, Any] | None = None,
    ) -> Any:
        named = (
            path_qualifier
            or lambda_svc._qp_first(query_params or {}, "Qualifier")
            or headers.get("x-amz-qualifier")
        )
        alias = (lambda_svc._functions.get(name) or {}).get("aliases", {}).get(named)
        if not alias or "RoutingConfig" not in alias:
            return await invoke(name, event, headers, path_qualifier, query_params)
        token = _drawn.set((name, str(named)))
        try:
            return await invoke(name, event, headers, choose(alias, _draw()), query_params)
        finally:
            _drawn.reset(token)

    return routed


def _resolved(resolve: Any) -> Any:
    """What comes by a function URL, an event or a topic names the alias in its reference."""

    @functools.wraps(resolve)
    def resolved(function_ref: str) -> tuple[Record | None, Record | None, str]:
        record, config, name = resolve(function_ref)
        _, qualifier = lambda_svc._resolve_name_and_qualifier(function_ref)
        function = lambda_svc._functions.get(name) or {}
        alias = function.get("aliases", {}).get(qualifier)
        if record is None or not alias:
            return record, config, name
        chosen = choose(alias, _draw())
        if chosen in function["versions"]:
            record = function["versions"][chosen]
        config = {**record["config"], "FunctionArn": alias["AliasArn"]}
        return {**record, "config": config}, config, name

    return resolved


def _checked_creation(create: Any) -> Any:
    @functools.wraps(create)
    def checked(func_name: str, data: Record) -> Any:
        function = lambda_svc._functions.get(func_name)
        return _refusal(function, func_name, data) or create(func_name, data)

    return checked


def _checked_update(update: Any) -> Any:
    @functools.wraps(update)
    def checked(func_name: str, alias_name: str, data: Record) -> Any:
        function = lambda_svc._functions.get(func_name) or {}
        alias = function.get("aliases", {}).get(alias_name)
        if alias:
            refusal = _refusal(function, func_name, {**alias, **data})
            if refusal:
                return refusal
        return update(func_name, alias_name, data)

    return checked


def _refusal(function: Record | None, name: str, alias: Record) -> Any:
    """Return Lambda's answer to an alias on versions that are not there, or to wrong weights."""
    if not function:
        return None
    main = str(alias.get("FunctionVersion", "$LATEST"))
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    for version in (main, *weights):
        if version != "$LATEST" and version not in function["versions"]:
            words = f"Function not found: {lambda_svc._func_arn(name)}:{version}"
            return error_response_json("ResourceNotFoundException", words, 404)
    problem = _weights_problem(main, weights)
    return problem and error_response_json("InvalidParameterValueException", problem, 400)


def _weights_problem(main: str, weights: Mapping[str, float]) -> str | None:
    if not weights:
        return None
    if len(weights) > 1:
        return "The number of alias routing targets must be at most 1"
    if "$LATEST" in (main, *weights):
        return "$LATEST is not supported for an alias pointing to more than 1 version"
    if main in weights:
        return "Invalid function version in RoutingConfig: it is the alias's FunctionVersion"
    if not all(0 <= weight <= 1 for weight in weights.values()):
        return "Alias routing weights must be between 0.0 and 1.0"
    return None


def _of_all_versions(reserved: Any) -> Any:
    """A function's reserved concurrency holds for all its versions; only it itself has it."""

    @functools.wraps(reserved)
    def of_all_versions(func: Record, config: Record) -> Any:
        return reserved(lambda_svc._functions.get(config.get("FunctionName")) or func, config)

    return of_all_versions
