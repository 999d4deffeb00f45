"""A run's execution in Step Functions: start it, follow its states, see how it ended."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kanmon.errors import BadInputError
from kanmon.stage.connection import stage_flag

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

RUNNING = "RUNNING"
# An attempt of a task state begins with one of these.
ATTEMPTS = {"TaskScheduled", "LambdaFunctionScheduled"}
# About the events of two states; few come between two calls.
EVENTS_AT_A_LOOK = 15
_ON_BOTH_RUNGS = {"Preprocess", "Train", "Evaluate", "Score Rows", "Monitor"}
# The states whose work is a job with a log of its own.
JOB_STATES = _ON_BOTH_RUNGS | {"Train On Several Hosts", "Train On Spot", "Gather In A Job"}
# The same work as a function.
LAMBDA_STATES = {f"{state} On Lambda" for state in _ON_BOTH_RUNGS}
LAST_EVENTS = {
    "ExecutionSucceeded",
    "ExecutionFailed",
    "ExecutionAborted",
    "ExecutionTimedOut",
}


@dataclass
class Visit:
    """One passage through a task state."""

    state: str
    began: datetime
    ended: datetime | None = None
    attempts: int = 0

    def seconds(self, now: datetime) -> float:
        """How long it took, or has taken so far."""
        return max(0.0, ((self.ended or now) - self.began).total_seconds())


@dataclass(frozen=True)
class Ending:
    """How an execution ended; `output` is that of its last state."""

    status: str
    output: dict[str, Any]
    error: str
    cause: str
    seconds: float


def visits(events: Iterable[Any]) -> list[Visit]:
    """The task states of an execution, in order. Choices take no time and are left out."""
    found: list[Visit] = []
    for event in events:
        kind = event["type"]
        if kind.endswith("StateEntered"):
            if found and found[-1].ended is None:
                found[-1].ended = event["timestamp"]  # a catch leaves without an exit event
            if kind == "TaskStateEntered":
                name = event["stateEnteredEventDetails"]["name"]
                found.append(Visit(name, event["timestamp"]))
        elif kind == "TaskStateExited" and found:
            found[-1].ended = event["timestamp"]
        elif kind in ATTEMPTS and found:
            found[-1].attempts += 1
    return found


def start(
    connection: "Connection",
    run: str,
    request: dict[str, Any],
    machine: str | None = None,
    kind: str = "run",
) -> str:
    """Start the run, or a thing of another kind on its machine; its execution's ARN.

    A repeat with the same name and input starts nothing.
    """
    from botocore.exceptions import ClientError

    try:
        started = connection.stepfunctions.start_execution(
            stateMachineArn=machine or connection.machine,
            name=run,
            input=json.dumps(request, sort_keys=True),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
            raise BadInputError(
                f"a {kind} named {run} already exists",
                f"`kanmon show {run}{stage_flag(connection.name)}` shows it.",
            ) from error
        raise
    return started["executionArn"]


def history(connection: "Connection", arn: str) -> list[Any]:
    """All events of an execution so far."""
    pages = connection.stepfunctions.get_paginator("get_execution_history").paginate(
        executionArn=arn, includeExecutionData=False, PaginationConfig={"PageSize": 1000}
    )
    return [event for page in pages for event in page["events"]]


def continued(connection: "Connection", arn: str, known: list[Any]) -> list[Any]:
    """All events so far, given those already known: only new ones are read."""
    last = known[-1]["id"] if known else 0
    pages = connection.stepfunctions.get_paginator("get_execution_history").paginate(
        executionArn=arn,
        includeExecutionData=False,
        reverseOrder=True,
        PaginationConfig={"PageSize": EVENTS_AT_A_LOOK},
    )
    newest_first: list[Any] = []
    for page in pages:
        newest_first += page["events"]
        if newest_first and newest_first[-1]["id"] <= last + 1:
            break
    return known + [event for event in reversed(newest_first) if event["id"] > last]


def follow(connection: "Connection", arn: str, passed: Callable[[list[Visit]], None]) -> Ending:
    """Wait for the end, and call `passed` with the visits so far."""
    events: list[Any] = []
    while True:
        events = continued(connection, arn, events)
        passed(visits(events))
        # The last event can come a moment before the status.
        if events and events[-1]["type"] in LAST_EVENTS:
            found = ending(connection, arn)
            if found.status != RUNNING:
                return found
        time.sleep(connection.poll_seconds)


def ending(connection: "Connection", arn: str) -> Ending:
    """How the execution ended; its status is RUNNING if it has not."""
    found: Any = connection.stepfunctions.describe_execution(executionArn=arn)
    try:
        output = json.loads(found.get("output") or "{}")
    except ValueError:
        output = {}
    stopped = found.get("stopDate")
    seconds = (stopped - found["startDate"]).total_seconds() if stopped else 0.0
    return Ending(
        found["status"],
        output if isinstance(output, dict) else {},
        found.get("error") or "",
        found.get("cause") or "",
        seconds,
    )
