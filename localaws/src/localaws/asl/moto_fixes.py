"""Every private name of moto 5.2.5 that the stage replaces, and why.

`apply()` is called once, before the first machine is parsed. tests/local/test_moto_fixes.py holds
each name against the installed moto, so that an upgrade that moves one fails there and not here.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from typing import Any

import moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback as callback_module  # noqa: E501
import moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_factory as service_factory  # noqa: E501
import moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_factory as task_factory  # noqa: E501
import moto.stepfunctions.parser.asl.jsonata.jsonata as moto_jsonata
import moto.stepfunctions.parser.asl.parse.preprocessor as preprocessor
import moto.stepfunctions.parser.asl.utils.boto_client
import moto.stepfunctions.parser.backend.execution  # noqa: F401 - loads every task module
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import OperationModel, ServiceModel
from moto.stepfunctions.parser.api import (
    EvaluationFailedEventDetails,
    HistoryEventType,
    LambdaFunctionFailedEventDetails,
)
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
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (  # noqa: E501
    StateTaskService,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (  # noqa: E501
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import (
    StateTaskLambda,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from localaws import descriptions
from localaws.asl import clients, expressions

POLL_SECONDS = 0.05

_service_models: dict[str, ServiceModel] = {}


def apply() -> None:
    """Replace what must be replaced. Applying twice does no harm."""
    # It logs every failed state with the whole syntax tree; the history shows the same readably.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    _evaluate_jsonata_in_python()
    _call_services_as_the_role()
    _forget_the_query_language_of_a_rejected_machine()
    _spell_parameters_and_results_as_aws_does()
    _name_errors_as_aws_does()
    _know_what_is_waited_for()


def service_model(service: str) -> ServiceModel:
    """botocore's model of `service`, made once."""
    if service not in _service_models:
        _service_models[service] = ServiceModel(descriptions.service(service), service)
    return _service_models[service]


def service_id(service: str) -> str:
    """How Step Functions spells a service in an error name: `SageMaker`, `DynamoDb`."""
    special = {"dynamodb": "DynamoDb", "sfn": "Sfn", "stepfunctions": "Sfn"}
    return special.get(service) or str(service_model(service).service_id).replace(" ", "")


def _everywhere(name: str, replacement: Any) -> None:
    """Modules of moto import each other's functions by name, so each holds its own reference."""
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith("moto.stepfunctions") and hasattr(module, name):
            setattr(module, name, replacement)


# moto needs a Java machine for JSONata, and has lost the code that starts it. An expression that
# cannot be evaluated ends as States.Runtime there; on AWS it has a name of its own.
def _evaluate(self: Any, env: Any) -> None:
    store = env.variable_store
    variables = {**store._outer_scope, **store._inner_scope, "states": env.states._states_data}
    try:
        env.stack.append(expressions.evaluate(self.expression, variables))
    except expressions.ExpressionError as error:
        cause = f"The JSONata expression '{self.expression}' {error}"
        raise FailureEventException(_query_failed(env, cause)) from error


# JSONPath states may use variables, too; moto puts those through JSONata as declarations.
def _evaluate_declared(expression: str) -> Any:
    return expressions.evaluate(expression, {})


def _declare(bindings: dict[str, Any]) -> str:
    """`$name := value;` for each binding. moto forgets to escape quotes inside strings."""
    return "".join(
        f"{name}:={to_json_str(value, separators=(',', ':'))};" for name, value in bindings.items()
    )


def _evaluate_jsonata_in_python() -> None:
    StringJSONata._eval_body = _evaluate
    moto_jsonata._eval_jsonata = _evaluate_declared
    _everywhere("encode_jsonata_variable_declarations", _declare)
    preprocessor.Preprocessor._inner_string_of = staticmethod(_string_of)


# moto strips the quotes of a JSON string and leaves its escapes in.
def _string_of(parser_rule_context: Any) -> str | None:
    text = parser_rule_context.getText()
    if text == "null":
        return None
    return str(json.loads(text)) if text.startswith('"') else str(text)


# moto calls every service with fixed, made-up credentials; here it must be the machine's role.
def _client_for(region: str, service: str, state_credentials: Any = None) -> Any:
    return clients.client_for(region, service, state_credentials.role_arn)


def _call_services_as_the_role() -> None:
    _everywhere("boto_client_for", _client_for)


# The list lives on the class: one machine refused for JSONata would poison every later one.
def _forget_the_query_language_of_a_rejected_machine() -> None:
    original = preprocessor.Preprocessor.__init__
    if getattr(original, "_localaws", False):
        return

    def own_list(self: Any, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        self._query_language_per_scope = []

    own_list._localaws = True  # type: ignore[attr-defined]
    preprocessor.Preprocessor.__init__ = own_list


# moto dropped LocalStack's translation between the spelling of states and that of botocore.
def _operation(task: Any, service: str | None, action: str | None) -> OperationModel:
    model = service_model(task._get_boto_service_name(service))
    wanted = task._get_boto_service_action(action)
    name = next((name for name in model.operation_names if xform_name(name) == wanted), None)
    if name is None:
        raise RuntimeError(f"{model.service_name} has no operation {wanted}")
    return model.operation_model(name)


def _normalise(
    direction: Callable[[Any, Any, Any], None], side: str
) -> Callable[[Any, Any, str | None, str | None], None]:
    def normalise(
        self: Any, value: Any, boto_service_name: Any = None, service_action_name: Any = None
    ) -> None:
        shape = getattr(_operation(self, boto_service_name, service_action_name), side)
        if shape is not None:
            direction(self, value, shape)

    return normalise


def _spell_parameters_and_results_as_aws_does() -> None:
    StateTaskServiceAwsSdk._normalise_parameters = _normalise(
        StateTaskService._to_boto_request, "input_shape"
    )
    call = StateTaskServiceAwsSdk._eval_service_task
    if not getattr(call, "_localaws", False):

        def call_and_read(self: Any, env: Any, *arguments: Any, **named: Any) -> None:
            call(self, env, *arguments, **named)
            env.stack.append(clients.plain(env.stack.pop()))

        call_and_read._localaws = True  # type: ignore[attr-defined]
        StateTaskServiceAwsSdk._eval_service_task = call_and_read
    StateTaskServiceAwsSdk._normalise_service_error_name = staticmethod(service_id)


# moto calls a Lambda API error just `Exception`, so that no Retry of the machine would match it.
def _name_errors_as_aws_does() -> None:
    tell = StateTaskLambda._from_error
    if getattr(tell, "_localaws", False):
        return

    def tell_lambda_errors(self: Any, env: Any, ex: Exception) -> Any:
        if not isinstance(ex, ClientError):
            return tell(self, env, ex)
        error = f"Lambda.{ex.response['Error']['Code']}"
        failed = LambdaFunctionFailedEventDetails(error=error, cause=str(ex))
        return FailureEvent(
            env=env,
            error_name=CustomErrorName(error),
            event_type=HistoryEventType.LambdaFunctionFailed,
            event_details=EventDetails(lambdaFunctionFailedEventDetails=failed),
        )

    tell_lambda_errors._localaws = True  # type: ignore[attr-defined]
    StateTaskLambda._from_error = tell_lambda_errors


def _query_failed(env: Any, cause: str) -> FailureEvent:
    name = StatesErrorName(StatesErrorNameType.StatesQueryEvaluationError)
    failed = EvaluationFailedEventDetails(error=name.error_name, cause=cause)
    return FailureEvent(
        env=env,
        error_name=name,
        event_type=HistoryEventType.EvaluationFailed,
        event_details=EventDetails(evaluationFailedEventDetails=failed),
    )


# moto forwards request-response calls to these services and refuses `.sync`.
def _know_what_is_waited_for() -> None:
    from localaws.asl.athena import AthenaTask
    from localaws.asl.sagemaker import SageMakerTask

    ours = {"athena": AthenaTask, "sagemaker": SageMakerTask}
    original = service_factory.state_task_service_for
    if getattr(original, "_localaws", False):
        return

    def task_for(service_name: str) -> Any:
        task = ours.get(service_name)
        return task() if task else original(service_name)

    task_for._localaws = True  # type: ignore[attr-defined]
    service_factory.state_task_service_for = task_for
    task_factory.state_task_service_for = task_for
    callback_module._DELAY_SECONDS_SYNC_CONDITION_CHECK = POLL_SECONDS
