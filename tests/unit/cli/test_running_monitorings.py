"""Which monitorings run: their records alone cannot tell."""

from types import SimpleNamespace
from typing import Any

import pytest

from kanmon.monitoring import records


class ExecutionDoesNotExist(Exception):  # noqa: N818 - its name
    """As Step Functions answers for a name that it does not know."""


def describe_execution(executionArn: str) -> dict[str, str]:  # noqa: N803 - AWS's name
    statuses = {"m-runs": "RUNNING", "m-stopped": "ABORTED"}
    try:
        return {"status": statuses[executionArn.rpartition(":")[2]]}
    except KeyError:
        raise ExecutionDoesNotExist from None


def test_a_monitoring_runs_if_its_record_and_its_execution_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded = {"m-runs": "RUNNING", "m-stopped": "RUNNING", "m-old": "RUNNING", "m-done": "FAILED"}
    items = [
        {"model": "churn", "item": f"monitoring#{name}", "status": status}
        for name, status in recorded.items()
    ]
    monkeypatch.setattr("kanmon.stage.records.items_of", lambda connection, model, prefix: items)
    connection: Any = SimpleNamespace(
        monitoring_execution_arn=lambda name: f"arn:aws:states:r:1:execution:monitor:{name}",
        stepfunctions=SimpleNamespace(
            describe_execution=describe_execution,
            exceptions=SimpleNamespace(ExecutionDoesNotExist=ExecutionDoesNotExist),
        ),
    )

    assert records.running_monitorings(connection, "churn") == {"m-runs"}
