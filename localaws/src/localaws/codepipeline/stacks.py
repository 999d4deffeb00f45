"""`actions.cloudformation.Stacks` over the gateway; a stack's progress is looked at in-process."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from localaws.codepipeline.actions.cloudformation import Stack, StackError, StackOrder
from localaws.codepipeline.cloud import Clients
from localaws.codepipeline.ports import Acting, Allowed

PRINCIPAL = "cloudformation.amazonaws.com"
# To look at a stack's status costs a look-up in a dictionary.
LOOK_SECONDS = 0.02
# What the first event of every operation says.
STARTED = "User Initiated"


class CloudStacks:
    """CloudFormation as a role sees it."""

    def __init__(
        self, clients: Clients, allowed: Allowed, status: Callable[[str], str | None]
    ) -> None:
        """`status` tells the status of a stack by its id; None where there is none."""
        self._clients = clients
        self._allowed = allowed
        self._status = status

    def may_pass(self, acting: Acting, role: str) -> bool:
        context = {"iam:PassedToService": PRINCIPAL}
        return self._allowed(acting.role, "iam:PassRole", role, context)

    def describe(self, acting: Acting, name: str) -> Stack | None:
        try:
            found = self._call(acting, "describe_stacks", StackName=name)["Stacks"][0]
        except StackError as error:
            if "does not exist" in str(error):
                return None
            raise
        return Stack(
            identity=found["StackId"],
            status=found["StackStatus"],
            reason=found.get("StackStatusReason", ""),
            outputs={
                output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])
            },
        )

    def create(self, acting: Acting, order: StackOrder) -> None:
        self._call(acting, "create_stack", **request_of(order))

    def update(self, acting: Acting, order: StackOrder) -> None:
        self._call(acting, "update_stack", **request_of(order))

    def delete(self, acting: Acting, name: str, role: str) -> None:
        self._call(acting, "delete_stack", StackName=name, RoleARN=role)

    def wait(self, identity: str, abandoned: threading.Event) -> None:
        while (self._status(identity) or "").endswith("_IN_PROGRESS"):
            if abandoned.wait(LOOK_SECONDS):
                return

    def reason(self, acting: Acting, identity: str) -> str:
        try:
            events = self._call(acting, "describe_stack_events", StackName=identity)["StackEvents"]
        except StackError:  # the role need not be allowed to look
            return ""
        return first_failure(events)

    def _call(self, acting: Acting, operation: str, **request: Any) -> Any:
        try:
            return getattr(self._clients.get("cloudformation", acting), operation)(**request)
        except ClientError as error:
            found = error.response["Error"]
            raise StackError(found["Code"], found["Message"]) from error


def request_of(order: StackOrder) -> dict[str, Any]:
    """CreateStack's and UpdateStack's request."""
    request: dict[str, Any] = {
        "StackName": order.name,
        "TemplateBody": order.template,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in order.parameters.items()
        ],
        "Capabilities": list(order.capabilities),
        "RoleARN": order.role,
        "Tags": [{"Key": key, "Value": value} for key, value in order.tags.items()],
    }
    if order.policy:
        request["StackPolicyBody"] = json.dumps(order.policy)
    return request


def first_failure(events: Sequence[Mapping[str, Any]]) -> str:
    """Why an operation failed: its first failure, by the events of a stack, newest first.

    >>> first_failure([
    ...     {"LogicalResourceId": "B", "ResourceStatus": "UPDATE_FAILED",
    ...      "ResourceStatusReason": "it was cancelled"},
    ...     {"LogicalResourceId": "A", "ResourceStatus": "UPDATE_FAILED",
    ...      "ResourceStatusReason": "it broke"},
    ...     {"LogicalResourceId": "stack", "ResourceStatus": "UPDATE_IN_PROGRESS",
    ...      "ResourceStatusReason": "User Initiated"},
    ...     {"LogicalResourceId": "C", "ResourceStatus": "CREATE_FAILED",
    ...      "ResourceStatusReason": "in an earlier operation"},
    ... ])
    'A: it broke'
    """
    first = ""
    for event in events:
        reason = event.get("ResourceStatusReason", "")
        if event["ResourceStatus"].endswith("_FAILED") and reason:
            first = f"{event['LogicalResourceId']}: {reason}"
        elif reason == STARTED:
            break
    return first
