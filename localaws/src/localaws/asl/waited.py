"""What optimized integrations with `.sync` have in common: start something, wait until it ends.

On AWS Step Functions learns of the end through a rule that it manages, or asks; here it asks.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (  # noqa: E501
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from localaws.asl import clients


@dataclass(frozen=True)
class Work:
    """What a task waits for: how to describe it, to read its status, and to stop it."""

    describe: Callable[[], dict[str, Any]]
    status: Callable[[dict[str, Any]], str]
    stop: Callable[[], Any]


class WaitedTask(StateTaskServiceCallback):  # type: ignore[misc]
    """One task state that calls a service and waits. `service` is its name in an error.

    `succeeded` and `failed` are the statuses with which the work has ended.
    """

    service: str
    succeeded: str
    failed: frozenset[str]
    client_name: str
    # What stopping may answer where the work has ended by itself in the meantime.
    ended_by_itself: frozenset[str] = frozenset()

    def __init__(self) -> None:
        super().__init__(supported_integration_patterns={ResourceCondition.Sync})
        self._stop_work: Callable[[], Any] = lambda: None

    def _get_supported_parameters(self) -> set[str]:
        return set()  # botocore checks the fields of the call

    def _eval_service_task(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: Any,
        state_credentials: Any,
    ) -> None:
        if self.resource.condition == ResourceCondition.Sync:
            self._check_permissions(resource_runtime_part, state_credentials.role_arn)
        client = self._client(resource_runtime_part, state_credentials)
        answer = getattr(client, self._get_boto_service_action())(**normalised_parameters)
        answer.pop("ResponseMetadata", None)
        env.stack.append(clients.plain(answer))

    def _check_permissions(self, runtime: Any, role_arn: str) -> None:
        """What a role must have besides the call's own."""

    @abstractmethod
    def _started(self, client: Any, parameters: dict[str, Any], answer: dict[str, Any]) -> Work:
        """The work that `answer` says has begun."""

    def _build_sync_resolver(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: Any,
        state_credentials: Any,
    ) -> Callable[[], Any]:
        client = self._client(resource_runtime_part, state_credentials)
        work = self._started(client, normalised_parameters, env.stack.pop())
        self._stop_work = work.stop

        def ended() -> Any:
            description = work.describe()
            description.pop("ResponseMetadata", None)
            description = clients.plain(description)
            status = work.status(description)
            if status == self.succeeded:
                return description
            if status in self.failed:
                raise FailureEventException(self._work_failed(env, description))
            return None

        return ended

    def _eval_integration_pattern(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: Any,
        state_credentials: Any,
    ) -> None:
        # moto's own ends by interrupting the endpoint of a task token, and `.sync` alone has none.
        ended = self._build_sync_resolver(
            env, resource_runtime_part, normalised_parameters, state_credentials
        )
        outcome = self._eval_sync(
            env=env,
            sync_resolver=ended,
            timeout_seconds=None,
            callback_endpoint=None,
            heartbeat_endpoint=None,
        )
        env.stack.append(outcome)

    def _eval_sync(self, env: Any, *arguments: Any, **named: Any) -> Any:
        outcome = super()._eval_sync(env, *arguments, **named)
        if outcome is None and not env.is_running():
            self._stop_unless_ended()
        return outcome

    def _stop_unless_ended(self) -> None:
        try:
            self._stop_work()
        except ClientError as error:
            # Anything else is in the work's own record.
            if error.response["Error"]["Code"] not in self.ended_by_itself:
                raise

    def _client(self, runtime: Any, credentials: Any) -> Any:
        return clients.client_for(runtime.region, self.client_name, credentials.role_arn)

    def _work_failed(self, env: Any, description: dict[str, Any]) -> FailureEvent:
        return FailureEvent(
            env=env,
            error_name=StatesErrorName(StatesErrorNameType.StatesTaskFailed),
            event_type=HistoryEventType.TaskFailed,
            event_details=self._details("States.TaskFailed", to_json_str(description)),
        )

    def _from_error(self, env: Any, ex: Exception) -> FailureEvent:
        if not isinstance(ex, ClientError):
            return super()._from_error(env, ex)
        error = f"{self.service}.{ex.response['Error']['Code']}"
        return FailureEvent(
            env=env,
            error_name=CustomErrorName(error),
            event_type=HistoryEventType.TaskFailed,
            event_details=self._details(error, str(ex)),
        )

    def _details(self, error: str, cause: str) -> EventDetails:
        return EventDetails(
            taskFailedEventDetails=TaskFailedEventDetails(
                resource=self._get_sfn_resource(),
                resourceType=self._get_sfn_resource_type(),
                error=error,
                cause=cause,
            )
        )
