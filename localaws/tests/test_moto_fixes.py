"""Every private name of moto that the stage replaces is still where it was.

An upgrade of moto that moves or repairs one of them fails here, and not in a user's run.
"""

import importlib
from typing import Any

import pytest

PARSER = "moto.stepfunctions.parser"
SERVICE = f"{PARSER}.asl.component.state.exec.state_task.service"


def resolve(path: str) -> Any:
    module, _, names = path.partition(":")
    found = importlib.import_module(module)
    for name in names.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize(
    "path",
    [
        f"{PARSER}.asl.jsonata.jsonata:_eval_jsonata",
        f"{PARSER}.asl.jsonata.jsonata:encode_jsonata_variable_declarations",
        f"{PARSER}.asl.utils.boto_client:boto_client_for",
        f"{PARSER}.asl.parse.preprocessor:Preprocessor._query_language_per_scope",
        f"{PARSER}.asl.parse.preprocessor:Preprocessor._inner_string_of",
        f"{SERVICE}.state_task_service:StateTaskService._to_boto_request",
        f"{SERVICE}.state_task_service_aws_sdk:StateTaskServiceAwsSdk._normalise_parameters",
        f"{SERVICE}.state_task_service_aws_sdk:StateTaskServiceAwsSdk._eval_service_task",
        f"{SERVICE}.state_task_service_aws_sdk:StateTaskServiceAwsSdk._normalise_service_error_name",
        f"{SERVICE}.state_task_service_callback:_DELAY_SECONDS_SYNC_CONDITION_CHECK",
        f"{SERVICE}.state_task_service_callback:StateTaskServiceCallback._build_sync_resolver",
        f"{SERVICE}.state_task_service_callback:StateTaskServiceCallback._eval_sync",
        f"{SERVICE}.state_task_service_factory:state_task_service_for",
        f"{PARSER}.asl.component.state.exec.state_task.state_task_factory:state_task_service_for",
        f"{PARSER}.asl.component.common.string.string_expression:StringJSONata._eval_body",
        f"{PARSER}.asl.component.state.exec.state_task.state_task_lambda:StateTaskLambda._from_error",
        f"{PARSER}.backend.execution:Execution._get_start_execution_worker",
        f"{PARSER}.backend.execution_worker:ExecutionWorker._get_evaluation_environment",
        f"{PARSER}.backend.execution_worker:ExecutionWorker._execution_logic",
    ],
)
def test_the_name_is_where_the_stage_expects_it(path: str) -> None:
    resolve(path)


def test_the_history_is_kept_where_the_stage_reads_it() -> None:
    manager = resolve(f"{PARSER}.asl.eval.event.event_manager:EventManager")(None)

    assert (manager._history_event_list, hasattr(manager._mutex, "acquire")) == ([], True)


def test_moto_is_the_version_the_fixes_were_written_for() -> None:
    assert importlib.import_module("moto").__version__ == "5.2.5"
