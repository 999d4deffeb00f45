"""Lambda's versions: one that would be like the last one is not published.

"Lambda doesn't publish a version if the function's configuration and code haven't changed since the
last version." MiniStack compares revisions, so that a function which was changed and changed back
seems to be another one. CloudFormation then fails where AWS's does.
"""

import functools
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

Record = dict[str, Any]
# What Lambda makes of a function and its moment, not what was asked for.
_OF_THE_MOMENT = {
    *("FunctionArn", "LastModified", "RevisionId", "Version", "MasterArn", "ConfigSha256"),
    *("State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason"),
    *("LastUpdateStatusReasonCode", "SnapStart", "RuntimeVersionConfig"),
}
VERSION = "AWS::Lambda::Version"


def install() -> None:
    """Compare contents wherever a version is published."""
    lambda_svc._publish_version = _by_name(lambda_svc._publish_version)
    handlers = provisioners._RESOURCE_HANDLERS[VERSION]
    provisioners._RESOURCE_HANDLERS[VERSION] = {
        **handlers,
        "create": _by_properties(handlers["create"]),
    }


def _by_name(publish: Any) -> Any:
    @functools.wraps(publish)
    def published(name: str, data: Record) -> Any:
        _recognise(lambda_svc._functions.get(name))
        return publish(name, data)

    return published


def _by_properties(create: Any) -> Any:
    @functools.wraps(create)
    def created(logical_id: str, properties: Record, stack_name: str) -> Any:
        function, _ = provisioners._lambda_version_function(properties)
        _recognise(function)
        return create(logical_id, properties, stack_name)

    return created


def _recognise(function: Record | None) -> None:
    """Let the last version be of the function's revision, if it is the function as it is now."""
    if not function or not function["versions"]:
        return
    last = function["versions"][max(function["versions"], key=int)]
    if _asked_for(last["config"]) == _asked_for(function["config"]):
        last["function_revision"] = function["config"].get("RevisionId")


def _asked_for(config: Record) -> Record:
    return {name: value for name, value in config.items() if name not in _OF_THE_MOMENT}
