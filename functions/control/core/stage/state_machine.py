"""A state machine: start an execution, and see whether one has ended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_RUNNING = ("RUNNING", "PENDING_REDRIVE")


class Workflow:
    def __init__(self, client: SFNClient, machine_arn: str) -> None:
        self._client = client
        self._machine_arn = machine_arn

    def start(self, run: str, request: Mapping[str, Any]) -> None:
        """Start the run once: a name that was used before starts nothing."""
        try:
            self._client.start_execution(
                stateMachineArn=self._machine_arn, name=run, input=json.dumps(request)
            )
        except self._client.exceptions.ExecutionAlreadyExists:
            return

    def has_ended(self, run: str) -> bool:
        """Whether the run's execution has ended; one that is still to be started has not."""
        return self._status(run) not in (None, *_RUNNING)

    def is_running(self, run: str) -> bool:
        """Whether the run's execution was started and has not ended."""
        return self._status(run) in _RUNNING

    def _status(self, run: str) -> str | None:
        try:
            found = self._client.describe_execution(executionArn=self._execution(run))
        except self._client.exceptions.ExecutionDoesNotExist:
            return None
        return found["status"]

    def history(self, run: str) -> Iterator[Mapping[str, Any]]:
        """The events of the run's execution so far, the oldest first."""
        pages = self._client.get_paginator("get_execution_history").paginate(
            executionArn=self._execution(run), PaginationConfig={"PageSize": 1000}
        )
        return (event for page in pages for event in page["events"])

    def _execution(self, run: str) -> str:
        return f"{self._machine_arn.replace(':stateMachine:', ':execution:')}:{run}"
