"""CloudFormation's CodeDeploy types, and aliases that an update moves by a deployment.

MiniStack has neither: it ignores a resource's UpdatePolicy and moves an alias immediately.
"""

import copy
import re
from typing import Any, Protocol

from ministack.services.cloudformation import (
    _stacks,
    engine,
    provisioners,
    stacks,
)

from localaws.codedeploy.account import PRINCIPAL
from localaws.codedeploy.revision import AppSpec, write_appspec
from localaws.patches import aliases, functions, operations
from localaws.patches.operations import Operation
from localaws.protocol.errors import ServiceError

Properties = dict[str, Any]
Made = tuple[str, dict[str, Any]]

ALIAS, VERSION = "AWS::Lambda::Alias", "AWS::Lambda::Version"
POLICY = "CodeDeployLambdaAliasUpdate"
HOOKS = {
    "BeforeAllowTraffic": "BeforeAllowTrafficHook",
    "AfterAllowTraffic": "AfterAllowTrafficHook",
}
# How often a cancelled update is looked for while its deployment runs.
LOOK_SECONDS = 0.2


# What an update of a group switches off where the template no longer has it.
OFF: Properties = {
    "alarmConfiguration": {"enabled": False, "alarms": []},
    "autoRollbackConfiguration": {"enabled": False, "events": []},
}


class Deployer(Protocol):
    """CodeDeploy, as CloudFormation needs it."""

    def call(self, name: str, request: dict[str, Any]) -> dict[str, Any]: ...

    def deploy(self, request: dict[str, Any], creator: str) -> str: ...

    def wait(self, deployment: str, seconds: float) -> dict[str, Any] | None: ...


def install(deployer: Deployer) -> None:
    """Let templates have the types, and aliases with an UpdatePolicy move by deployments."""
    registered = provisioners._RESOURCE_HANDLERS
    types: dict[str, Any] = {
        "Application": Application(deployer),
        "DeploymentGroup": DeploymentGroup(deployer),
    }
    for kind, type_ in types.items():
        name = f"AWS::CodeDeploy::{kind}"
        registered[name] = {
            "create": type_.create,
            "update": type_.update,
            "delete": type_.delete,
        }
        provisioners._REPLACING_PROPERTIES[name] = type_.REPLACING
    publish = registered[VERSION]["create"]
    registered[VERSION] = {**registered[VERSION], "create": _prepared(publish)}
    move = Alias(deployer, registered[ALIAS]["update"])
    registered[ALIAS] = {**registered[ALIAS], "update": move.update}
    operations.install()
    _order_by_update_policy()
    _wait_on_a_thread()


def put_aliases_back(stack: dict[str, Any]) -> None:
    """Point every alias of a stack at the version the stack has for it."""
    for record in stack.get("_resources", {}).values():
        wanted = record.get("Properties", {})
        if record.get("ResourceType") == ALIAS and "FunctionVersion" in wanted:
            function = provisioners._lambda_function_for_cfn_ref(wanted["FunctionName"])[1]
            aliases.restore(function, wanted["Name"], str(wanted["FunctionVersion"]))


def _prepared(publish: Any) -> Any:
    """Who publishes a version with a stack will call it while the stack goes on."""

    def published(*given: Any, **more: Any) -> Made:
        made: Made = publish(*given, **more)
        functions.prepare_version(made[0])
        return made

    return published


def _order_by_update_policy() -> None:
    """What an UpdatePolicy names comes before its alias, unless that would be a circle."""
    sort = engine._topological_sort

    def sorted_by_policies(resources: dict[str, Any], conditions: dict[str, Any]) -> Any:
        more = {}
        for name, definition in resources.items():
            policy = definition.get("UpdatePolicy")
            named = {one for one, _ in engine._intrinsic_references(policy)} if policy else set()
            listed = definition.get("DependsOn", [])
            listed = [listed] if isinstance(listed, str) else list(listed)
            more[name] = {**definition, "DependsOn": [*listed, *sorted(named & set(resources))]}
        try:
            return sort(more, conditions)
        except ValueError:
            return sort(resources, conditions)

    stacks._topological_sort = sorted_by_policies


def _wait_on_a_thread() -> None:
    blocks = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda resource_type: (
        resource_type == ALIAS or blocks(resource_type)
    )


class Alias:
    """Moves an alias by a deployment where its UpdatePolicy wants one."""

    def __init__(self, deployer: Deployer, update_at_once: Any) -> None:
        self._deployer = deployer
        self._update_at_once = update_at_once

    def update(
        self,
        physical_id: str,
        old: Properties,
        new: Properties,
        stack_name: str,
        logical_id: str | None = None,
    ) -> Made:
        operation = operations.current()
        policy = self._policy(operation, stack_name, logical_id)
        same = all(old.get(name) == new.get(name) for name in ("FunctionName", "Name"))
        before, after = (str(way.get("FunctionVersion", "$LATEST")) for way in (old, new))
        if operation is None or not policy or not same or before == after:
            made: Made = self._update_at_once(physical_id, old, new, stack_name, logical_id)
            return made
        rest = {**new, "FunctionVersion": old.get("FunctionVersion", "$LATEST")}
        made = self._update_at_once(physical_id, old, rest, stack_name, logical_id)
        function = provisioners._lambda_function_for_cfn_ref(new["FunctionName"])[1]
        hooks = {event: policy[name] for event, name in HOOKS.items() if policy.get(name)}
        spec = AppSpec(function, str(new["Name"]), before, after, hooks)
        self._deploy(operation, policy, spec)
        return made

    def _policy(
        self, operation: Operation | None, stack_name: str, logical_id: str | None
    ) -> Properties | None:
        """The alias's policy with its references resolved; none while the stack rolls back."""
        if operation is None or operation.stack != stack_name:
            return None
        definition = operation.template["Resources"].get(logical_id, {})
        policy = (definition.get("UpdatePolicy") or {}).get(POLICY)
        if not policy:
            return None
        template = operation.template
        resolved: Properties = engine._resolve_refs(
            copy.deepcopy(policy),
            _stacks[stack_name].get("_resources", {}),
            operation.parameters,
            engine._evaluate_conditions(template, operation.parameters),
            template.get("Mappings", {}),
            stack_name,
            operation.stack_id,
        )
        return {name: one for name, one in resolved.items() if one is not engine._NO_VALUE}

    def _deploy(self, operation: Operation, policy: Properties, spec: AppSpec) -> None:
        """Deploy and wait. Raises ValueError, with the alias on its old version, when it fails."""
        request = {
            "applicationName": policy["ApplicationName"],
            "deploymentGroupName": policy["DeploymentGroupName"],
            "description": f"Update of stack {operation.stack}",
            "revision": {"revisionType": "String", "string": {"content": write_appspec(spec)}},
        }
        hooks = set(spec.hooks.values())
        functions.prepare(lambda config: config["FunctionName"] in hooks)
        try:
            deployment = self._deployer.deploy(request, "CloudFormation")
        except ServiceError as error:
            raise ValueError(f"{error} ({PRINCIPAL}; {error.code})") from error
        stopped = False
        while (record := self._deployer.wait(deployment, LOOK_SECONDS)) is None:
            if _stacks[operation.stack].get("_cancel_requested") and not stopped:
                stopped = True
                self._stop(deployment)
        info = record["info"]
        if info["status"] != "Succeeded":
            aliases.restore(spec.function, spec.alias, spec.current)
            raise ValueError(_failure(info))

    def _stop(self, deployment: str) -> None:
        request = {"deploymentId": deployment, "autoRollbackEnabled": True}
        try:
            self._deployer.call("StopDeployment", request)
        except ServiceError as error:
            if error.code != "DeploymentAlreadyCompletedException":
                raise


def _failure(info: Properties) -> str:
    problem = info["errorInformation"]
    back = info.get("rollbackInfo", {}).get("rollbackMessage", "CloudFormation put the alias back.")
    return (
        f"CodeDeploy deployment {info['deploymentId']} {info['status'].lower()}:"
        f" {problem['message']} (Error code: {problem['code']}) {back}"
    )


class _Type:
    """A resource type of CodeDeploy."""

    REPLACING: tuple[str, ...] = ()

    def __init__(self, deployer: Deployer) -> None:
        self._deployer = deployer

    def _ask(self, name: str, request: Properties) -> Properties:
        try:
            return self._deployer.call(name, request)
        except ServiceError as error:
            raise ValueError(f"{error} ({PRINCIPAL}; {error.code})") from error

    def update(self, physical_id: str, old: Properties, new: Properties, stack_name: str) -> Made:
        """Nothing that CodeDeploy keeps of it can change in place."""
        return physical_id, {}


class Application(_Type):
    """AWS::CodeDeploy::Application."""

    REPLACING = ("ApplicationName", "ComputePlatform")

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Made:
        name = properties.get("ApplicationName") or _named(stack_name, logical_id)
        platform = properties.get("ComputePlatform", "Server")
        self._ask("CreateApplication", {"applicationName": name, "computePlatform": platform})
        return name, {}

    def delete(self, physical_id: str, properties: Properties) -> None:
        self._ask("DeleteApplication", {"applicationName": physical_id})


class DeploymentGroup(_Type):
    """AWS::CodeDeploy::DeploymentGroup."""

    REPLACING = ("ApplicationName", "DeploymentGroupName")

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Made:
        name = properties.get("DeploymentGroupName") or _named(stack_name, logical_id)
        request = {**_as_request(_without_tags(properties)), "deploymentGroupName": name}
        self._ask("CreateDeploymentGroup", request)
        return name, {}

    def update(self, physical_id: str, old: Properties, new: Properties, stack_name: str) -> Made:
        request = {**OFF, **_as_request(_without_tags(new))}
        request.pop("deploymentGroupName", None)
        self._ask("UpdateDeploymentGroup", {**request, "currentDeploymentGroupName": physical_id})
        return physical_id, {}

    def delete(self, physical_id: str, properties: Properties) -> None:
        application = properties["ApplicationName"]
        request = {"applicationName": application, "deploymentGroupName": physical_id}
        self._ask("DeleteDeploymentGroup", request)


def _named(stack_name: str, logical_id: str) -> str:
    return str(provisioners._physical_name(stack_name, logical_id, max_len=100))


def _without_tags(properties: Properties) -> Properties:
    return {name: value for name, value in properties.items() if name != "Tags"}


def _as_request(value: Any) -> Any:
    """A template's values as the API has them: its names, and real numbers and booleans."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _as_request(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_request(one) for one in value]
    if value in ("true", "false"):
        return value == "true"
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,4}", value) else value
