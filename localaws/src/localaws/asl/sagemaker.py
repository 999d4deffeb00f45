"""The optimized integration `arn:aws:states:::sagemaker:<action>[.sync]`.

With `.sync` Step Functions starts the job, waits until it has ended, returns the job's description
or fails with it as the cause, and stops the job when the execution is stopped or the state times
out. On AWS it learns of the end through a rule it manages; here it asks. The permissions for that
rule are checked all the same, because a role without them fails on AWS at deployment.
"""

from __future__ import annotations

from collections.abc import Callable
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

# A look at the job returns as soon as it has ended; a stopped execution is noticed this late.
WAIT_SECONDS = 0.2

# Action -> the job's kind, as in Describe<kind>, Stop<kind>, <kind>Name and <kind>Status.
_JOBS = {"createprocessingjob": "ProcessingJob", "createtrainingjob": "TrainingJob"}
_RULE = "StepFunctionsGetEventsForSageMaker{kind}sRule"
_RULE_ACTIONS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
# StateMachine roles need these; the service would refuse to create the machine without them.


class SageMakerTask(StateTaskServiceCallback):  # type: ignore[misc]
    """One task state that calls SageMaker through the optimized integration."""

    def __init__(self) -> None:
        super().__init__(supported_integration_patterns={ResourceCondition.Sync})
        self._stop_job: Callable[[], Any] = lambda: None

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
            self._check_managed_rule(resource_runtime_part, state_credentials.role_arn)
        client = self._client(resource_runtime_part, state_credentials)
        answer = getattr(client, self._get_boto_service_action())(**normalised_parameters)
        answer.pop("ResponseMetadata", None)
        env.stack.append(clients.plain(answer))

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

    def _build_sync_resolver(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: Any,
        state_credentials: Any,
    ) -> Callable[[], Any]:
        from localaws import sagemaker

        env.stack.pop()
        kind = _JOBS[self.resource.api_action.lower()]
        name = {f"{kind}Name": normalised_parameters[f"{kind}Name"]}
        client = self._client(resource_runtime_part, state_credentials)
        self._stop_job = lambda: getattr(client, f"stop_{_snake(kind)}")(**name)

        def ended() -> Any:
            sagemaker.wait(kind, name[f"{kind}Name"], WAIT_SECONDS)
            job = getattr(client, f"describe_{_snake(kind)}")(**name)
            job.pop("ResponseMetadata", None)
            job = clients.plain(job)
            if job[f"{kind}Status"] == "Completed":
                return job
            if job[f"{kind}Status"] in ("Failed", "Stopped"):
                raise FailureEventException(self._job_failed(env, job))
            return None

        return ended

    def _eval_sync(self, env: Any, *arguments: Any, **named: Any) -> Any:
        outcome = super()._eval_sync(env, *arguments, **named)
        if outcome is None and not env.is_running():
            self._stop_unless_ended()
        return outcome

    def _stop_unless_ended(self) -> None:
        try:
            self._stop_job()
        except ClientError as error:
            # The job may have ended by itself in the meantime; anything else is in its own record.
            if error.response["Error"]["Code"] not in ("ResourceNotFound", "ValidationException"):
                raise

    def _client(self, runtime: Any, credentials: Any) -> Any:
        return clients.client_for(runtime.region, "sagemaker", credentials.role_arn)

    def _check_managed_rule(self, runtime: Any, role_arn: str) -> None:
        from localaws import authorization

        rule = _RULE.format(kind=_JOBS[self.resource.api_action.lower()])
        arn = f"arn:aws:events:{runtime.region}:{runtime.account}:rule/{rule}"
        for action in _RULE_ACTIONS:
            if not authorization.allowed(role_arn, action, arn):
                raise PermissionError(
                    f"'{role_arn}' is not authorized to create managed-rule: it lacks {action} "
                    f"on {arn}."
                )

    def _job_failed(self, env: Any, job: dict[str, Any]) -> FailureEvent:
        return FailureEvent(
            env=env,
            error_name=StatesErrorName(StatesErrorNameType.StatesTaskFailed),
            event_type=HistoryEventType.TaskFailed,
            event_details=self._details("States.TaskFailed", to_json_str(job)),
        )

    def _from_error(self, env: Any, ex: Exception) -> FailureEvent:
        if not isinstance(ex, ClientError):
            return super()._from_error(env, ex)
        error = f"SageMaker.{ex.response['Error']['Code']}"
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


def _snake(kind: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind)[1:]
