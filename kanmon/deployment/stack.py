"""A CloudFormation stack: bring it to a template, wait, and report what failed."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.words.formats import duration
from kanmon.errors import RunFailedError
from kanmon.stage.connection import stack_outputs

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
# A first creation that failed leaves a stack that can only be deleted.
NEVER_WORKED = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS"}
# CloudFormation's limit for a template in the request itself.
BODY_LIMIT = 51_200


@dataclass(frozen=True)
class Change:
    """What a deployment did: created, updated, or unchanged."""

    what: str
    seconds: float


def apply(
    connection: "Connection",
    template: dict[str, Any],
    parameters: Mapping[str, str],
    upload: Callable[[str, bytes], dict[str, str]],
    tick: Callable[[str], None],
    meanwhile: Callable[[], object],
) -> Change:
    """Make the stage's stack be this template; `tick` gets a line of progress.

    `meanwhile` is done while the stage is at work, where there is something to wait for.
    """
    began = time.monotonic()
    cloudformation = connection.cloudformation
    body = json.dumps(template, separators=(",", ":"), sort_keys=True)
    known = connection.stack_description()
    if known and known["StackStatus"] in NEVER_WORKED:
        tick(f"Removing {connection.stack}, whose first deployment failed …")
        cloudformation.delete_stack(StackName=connection.stack)
        wait(connection, began, tick, "Removing")
        known = None
    if known and _same(connection, known, body, parameters):
        return Change("unchanged", time.monotonic() - began)
    request: Any = {
        "StackName": connection.stack,
        "Capabilities": CAPABILITIES,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    }
    if len(body.encode()) <= BODY_LIMIT:
        request["TemplateBody"] = body
    else:
        place = upload("template.json", body.encode())
        request["TemplateURL"] = connection.s3.generate_presigned_url("get_object", Params=place)
    if known is None:
        cloudformation.create_stack(**request, OnFailure="ROLLBACK")
    else:
        try:
            cloudformation.update_stack(**request)
        except Exception as error:
            if "No updates are to be performed" in str(error):
                return Change("unchanged", time.monotonic() - began)
            raise
    what = "updated" if known else "created"
    meanwhile()
    now = wait(connection, began, tick, "Updating" if known else "Creating")
    connection.outputs = stack_outputs(now)
    return Change(what, time.monotonic() - began)


def _same(
    connection: "Connection", known: dict[str, Any], body: str, parameters: Mapping[str, str]
) -> bool:
    """Does the stack have this template and these parameters already?"""
    if not known["StackStatus"].endswith("_COMPLETE") or "ROLLBACK" in known["StackStatus"]:
        return False
    given = {one["ParameterKey"]: one["ParameterValue"] for one in known.get("Parameters", [])}
    if any(given.get(key) != value for key, value in parameters.items()):
        return False
    held: Any = connection.cloudformation.get_template(
        StackName=connection.stack, TemplateStage="Original"
    )["TemplateBody"]
    return bool((json.loads(held) if isinstance(held, str) else held) == json.loads(body))


def wait(
    connection: "Connection", began: float, tick: Callable[[str], None], doing: str
) -> dict[str, Any]:
    """Return the stack's description once it is deployed or gone. Raises RunFailedError."""
    while True:
        now = connection.stack_description() or {"StackStatus": "DELETE_COMPLETE"}
        status = now["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            break
        tick(f"{doing} stack {connection.stack} … {duration(time.monotonic() - began)}")
        time.sleep(connection.stack_poll_seconds)
    if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        return now
    if doing == "Removing" and status == "DELETE_COMPLETE":
        return now
    raise RunFailedError(
        f"stack {connection.stack} ended as {status}: {_first_cause(connection)}",
        "Fix template.yaml and deploy again.",
    )


def _first_cause(connection: "Connection") -> str:
    """The earliest failures of the last operation: later ones are mostly cancellations."""
    events: list[Any] = []
    for event in stack_events(connection, connection.stack):
        events.append(event)
        begins = event.get("ResourceStatus") in {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}
        if begins and event.get("LogicalResourceId") == connection.stack:
            break
    return "; ".join(failure_reasons(events)) or "no reason was given"


def stack_events(connection: "Connection", stack: str) -> Iterator[Any]:
    """A stack's events, newest first; AWS gives a hundred at a time."""
    pages = connection.cloudformation.get_paginator("describe_stack_events").paginate(
        StackName=stack
    )
    for page in pages:
        yield from page["StackEvents"]


def failure_reasons(events: list[Any]) -> list[str]:
    """The earliest three failures among a stack's events, which are given newest first."""
    causes: list[str] = []
    for event in events:
        status, reason = event.get("ResourceStatus", ""), event.get("ResourceStatusReason", "")
        if status.endswith("_FAILED") and reason and "cancelled" not in reason:
            causes.append(f"{event.get('LogicalResourceId', '')}: {' '.join(reason.split())}")
    return list(reversed(causes[-3:]))
