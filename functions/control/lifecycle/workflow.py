"""The retrain state machine, as far as a run starts the next one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


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
