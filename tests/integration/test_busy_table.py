"""What a handler raises when the table is busy is what the workflow waits for by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

import close_run
import open_run
from core.stage import gateways
from tests.support.stage_in_memory import Context, Stage
from tests.support.workflow_definition import states

Load = Callable[[str], dict[str, Any]]

# Of what these operations can answer, this is no passing trouble; or it cannot come: there are no
# replicas and no local indexes.
LASTING = {
    "ConditionalCheckFailedException",
    "ItemCollectionSizeLimitExceededException",
    "ReplicatedWriteConflictException",
    "ResourceNotFoundException",
}


@contextmanager
def answering(client: Any, operation: str, code: str) -> Iterator[None]:
    """The client's calls of this operation get the error, after the SDK's own retries."""

    def answer(**call: Any) -> tuple[SimpleNamespace, dict[str, Any]]:
        error = {"Code": code, "Message": "slow down"}
        return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {}}

    event = f"before-call.dynamodb.{operation}"
    client.meta.events.register_first(event, answer)
    try:
        yield
    finally:
        client.meta.events.unregister(event, answer)


@pytest.mark.parametrize("name", ["Open Run", "Close Run"])
def test_whatever_passes_by_itself_is_waited_for(
    stage: Stage, context: Context, load_event: Load, name: str
) -> None:
    client = gateways.stage().runs._client
    operations = ["GetItem", "PutItem", "UpdateItem"]
    raised = set()
    for operation in operations:
        model = client.meta.service_model.operation_model(operation)
        for code in {shape.name for shape in model.error_shapes} - LASTING:
            with answering(client, operation, code), pytest.raises(ClientError) as error:
                handler = {"Open Run": open_run, "Close Run": close_run}[name].handler
                handler(load_event(name.lower().replace(" ", "_")), context)
            raised.add(error.typename)

    assert len(raised) == 5
    # Open Release asks the same table through the same SDK.
    for waiting in (name, "Open Release"):
        assert raised <= {
            error for retry in states()[waiting]["Retry"] for error in retry["ErrorEquals"]
        }
