"""A stage's clients as the command line asks them about batches, over what is in memory."""

import io
from types import SimpleNamespace
from typing import Any

from tests.support.standin import Stage, refusal

BATCH = "churn-261122055501-b7h"


def item(batch: str, **fields: Any) -> dict[str, Any]:
    return {"model": "churn", "item": f"batch#{batch}", **fields}


class Machine:
    """Step Functions' client, which knows these executions."""

    def __init__(self, *names: str, status: str = "RUNNING") -> None:
        self._names, self._status = names, status

    def describe_execution(self, **request: Any) -> dict[str, Any]:
        if request["executionArn"].rpartition(":")[2] not in self._names:
            raise refusal("ExecutionDoesNotExist")
        return {"status": self._status}


def stage(*items: dict[str, Any], executions: tuple[str, ...] = ()) -> Any:
    found: Any = Stage(list(items))
    found.stepfunctions = Machine(*executions)
    found.outputs = {"ScoreStateMachineArn": "arn"}
    found.batch_execution_arn = lambda name: f"arn:aws:states:execution:score:{name}"
    return found


class Bucket:
    """S3's client over objects in memory."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.read: list[str] = []

    def get_object(self, **request: Any) -> dict[str, Any]:
        key = request["Key"]
        if key not in self.objects:
            raise refusal("NoSuchKey")
        self.read.append(key)
        body = io.BytesIO(self.objects[key])
        chunks = SimpleNamespace(read=body.read, iter_chunks=lambda size: [body.read()])
        return {"Body": chunks}

    def get_paginator(self, operation: str) -> Any:
        def pages(**request: Any) -> list[Any]:
            keys = [key for key in self.objects if key.startswith(request["Prefix"])]
            return [{"Contents": [{"Key": key} for key in keys]}]

        return SimpleNamespace(paginate=pages)
