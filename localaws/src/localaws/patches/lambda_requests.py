"""MiniStack's IAM on Lambda's API: the right action for each request, and the qualified function.

MiniStack takes reading and changing an alias for listing aliases, and some others for their
neighbours, and asks for the unqualified function where a caller may only use an alias of it.
"""

import functools
from typing import Any

from ministack.core import iam_actions

# (method, what of a function, whether one is named after it) -> IAM's action.
ACTIONS = {
    ("GET", "aliases", True): "GetAlias",
    ("PUT", "aliases", True): "UpdateAlias",
    ("DELETE", "aliases", True): "DeleteAlias",
    ("GET", "concurrency", False): "GetFunctionConcurrency",
    ("DELETE", "concurrency", False): "DeleteFunctionConcurrency",
    ("GET", "event-invoke-config", False): "GetFunctionEventInvokeConfig",
    ("PUT", "event-invoke-config", False): "PutFunctionEventInvokeConfig",
    ("POST", "event-invoke-config", False): "UpdateFunctionEventInvokeConfig",
    ("DELETE", "event-invoke-config", False): "DeleteFunctionEventInvokeConfig",
    ("GET", "provisioned-concurrency", False): "GetProvisionedConcurrencyConfig",
    ("PUT", "provisioned-concurrency", False): "PutProvisionedConcurrencyConfig",
    ("DELETE", "provisioned-concurrency", False): "DeleteProvisionedConcurrencyConfig",
    ("POST", "response-streaming-invocations", False): "InvokeFunction",
    ("PUT", "url", False): "UpdateFunctionUrlConfig",
    ("DELETE", "url", False): "DeleteFunctionUrlConfig",
    ("GET", "urls", False): "ListFunctionUrlConfigs",
}
QUALIFIED = {
    *("InvokeFunction", "GetFunction", "GetFunctionConfiguration"),
    *("GetProvisionedConcurrencyConfig", "PutProvisionedConcurrencyConfig"),
    "DeleteProvisionedConcurrencyConfig",
}


def install() -> None:
    """Name actions and resources as IAM does."""
    iam_actions._lambda_action = _named(iam_actions._lambda_action)
    iam_actions.extract_resource_arn = _qualified(iam_actions.extract_resource_arn)


def _named(known: Any) -> Any:
    @functools.wraps(known)
    def named(method: str, path: str) -> Any:
        parts = [part for part in path.split("/") if part]
        if parts[1:2] == ["functions"] and len(parts) > 3:
            action = ACTIONS.get((method, parts[3], len(parts) > 4))
            if action:
                return action
        if parts[1:2] == ["layers"] and method == "GET" and len(parts) > 3:
            return "GetLayerVersion" if len(parts) > 4 else "ListLayerVersions"
        return known(method, path)

    return named


def _qualified(known: Any) -> Any:
    @functools.wraps(known)
    def qualified(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> Any:
        arn = known(service, method, path, headers, body, query_params, region, account_id)
        if service != "lambda" or "Qualifier" not in query_params:
            return arn
        if iam_actions._lambda_action(method, path) not in QUALIFIED:
            return arn
        given = query_params["Qualifier"]
        qualifier = given[0] if isinstance(given, list) else given
        return f"{arn}:{qualifier}" if arn.count(":") == 6 and qualifier != "$LATEST" else arn

    return qualified
