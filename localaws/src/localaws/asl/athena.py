"""The optimized integration `arn:aws:states:::athena:startQueryExecution.sync`.

Step Functions starts the query, asks until it has ended, returns what GetQueryExecution says of it
or fails with that as the cause, and stops the query when the execution is stopped or the state
times out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEventException,
)

from localaws.asl import clients
from localaws.asl.waited import WaitedTask


class AthenaTask(WaitedTask):
    service = "Athena"
    client_name = "athena"

    def _build_sync_resolver(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: Any,
        state_credentials: Any,
    ) -> Callable[[], Any]:
        query = env.stack.pop()["QueryExecutionId"]
        client = self._client(resource_runtime_part, state_credentials)
        self._stop_work = lambda: client.stop_query_execution(QueryExecutionId=query)

        def ended() -> Any:
            answer = client.get_query_execution(QueryExecutionId=query)
            answer.pop("ResponseMetadata", None)
            answer = clients.plain(answer)
            state = answer["QueryExecution"]["Status"]["State"]
            if state == "SUCCEEDED":
                return answer
            if state in ("FAILED", "CANCELLED"):
                raise FailureEventException(self._work_failed(env, answer))
            return None

        return ended
