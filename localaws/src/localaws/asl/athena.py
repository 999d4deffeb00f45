"""The optimized integration `arn:aws:states:::athena:startQueryExecution.sync`.

Step Functions starts the query, asks until it has ended, returns what GetQueryExecution says of it
or fails with that as the cause, and stops the query when the execution is stopped or the state
times out.
"""

from __future__ import annotations

from typing import Any

from localaws.asl.waited import WaitedTask, Work


class AthenaTask(WaitedTask):
    """One task state that runs a query through the optimized integration."""

    service = "Athena"
    client_name = "athena"
    succeeded = "SUCCEEDED"
    failed = frozenset({"FAILED", "CANCELLED"})

    def _started(self, client: Any, parameters: dict[str, Any], answer: dict[str, Any]) -> Work:
        query = {"QueryExecutionId": answer["QueryExecutionId"]}
        return Work(
            describe=lambda: client.get_query_execution(**query),
            status=lambda description: description["QueryExecution"]["Status"]["State"],
            stop=lambda: client.stop_query_execution(**query),
        )
