"""MiniStack still has what we touch of its private parts, in the shape that we rely on.

A failure here after raising the pin names the module of localaws/src/localaws/patches to look at.
"""

import importlib
import inspect
from importlib.metadata import version
from typing import Any

import pytest

EVALUATOR, ACTIONS = "ministack.core.iam_evaluator", "ministack.core.iam_actions"
LAMBDA, STATES = "ministack.services.lambda_svc", "ministack.services.stepfunctions"
ATHENA = "ministack.services.athena"
METRICS, STACKS = "ministack.services.cloudwatch", "ministack.services.cloudformation"

FUNCTIONS = {
    # access.py
    (EVALUATOR, "is_root_access_key"): "access_key_id",
    (EVALUATOR, "_is_root_key"): "access_key_id",
    (EVALUATOR, "enforce"): (
        "access_key_id, iam_action, service, region, resource_arn, service_context"
    ),
    (EVALUATOR, "evaluate"): "ctx, policies, limits",
    (EVALUATOR, "_role_name_from_assumed_arn"): "assumed_arn",
    (EVALUATOR, "_gather_role_policies"): "role_name, account_id",
    (EVALUATOR, "_permissions_boundary"): "store, name, account_id",
    (ACTIONS, "extract_iam_action"): "service, method, path, headers, body, query_params",
    (ACTIONS, "extract_resource_arn"): (
        "service, method, path, headers, body, query_params, region, account_id"
    ),
    # gateway.py
    ("ministack.app", "app"): "scope, receive, send",
    ("ministack.app", "_dispatch_service_request"): (
        "method, path, headers, body, query_params, request_id"
    ),
    # service_models.py
    (ACTIONS, "_load_botocore_model"): "botocore_service",
    ("ministack.core.responses", "_service_model"): "service",
    # memory.py
    ("ministack.core.persistence", "load_state"): "service",
    ("ministack.core.persistence", "_state_format_version"): "service",
    ("ministack.core.persistence", "_json_default"): "obj",
    (STATES, "_emit_execution_status_event"): "execution",
    # object_ranges.py
    ("ministack.services.s3", "_get_object"): "bucket_name, key, headers, query_params",
    ("ministack.services.s3", "_parse_range"): "range_header, total",
    ("ministack.services.s3", "_range_error_xml"): "bucket_name, key",
    # versions.py
    (LAMBDA, "_publish_version"): "name, data",
    # functions.py, aliases.py, metrics.py, function_urls.py, lambda_requests.py
    (LAMBDA, "_invoke"): "name, event, headers, path_qualifier, query_params",
    (LAMBDA, "_get_func_record_for_ref"): "function_ref",
    (LAMBDA, "_resolve_name_and_qualifier"): "name_or_arn",
    (LAMBDA, "_create_alias"): "func_name, data",
    (LAMBDA, "_update_alias"): "func_name, alias_name, data",
    (LAMBDA, "_reserved_concurrency"): "func, config",
    (LAMBDA, "_resolve_layer_zip"): "attachment",
    (LAMBDA, "_emit_lambda_metrics"): "function_name, duration_ms, error, throttle",
    ("ministack.app", "_handle_lambda_url_request"): (
        "host, path, method, headers, body, query_params, source_ip"
    ),
    ("ministack.app", "_enforce_data_plane"): (
        "service, iam_action, headers, query_params, request_id, resource_arn, service_context,"
        " auth_error_response, named_resource"
    ),
    ("ministack.app", "_parse_lambda_url"): "host, path",
    (ACTIONS, "_lambda_action"): "method, path",
    (METRICS, "_evict_old_metrics"): "",
    (METRICS, "_metric_bucket"): "key",
    (METRICS, "_dims_key"): "dims",
    (LAMBDA, "_execute_function_warm"): "func, event, request_id",
    (LAMBDA, "_emit_lambda_logs"): "func, request_id, log_text, error, duration_ms, log_source",
    (LAMBDA, "_xray_trace_id_for_invocation"): "config, inbound_trace_header",
    # queries.py
    (ATHENA, "_start_query_execution"): "data",
    (ATHENA, "_execute_query"): "query_id, query, database, ddl, catalog",
    (ATHENA, "_rewrite_data_paths"): "query, database, catalog",
    (ATHENA, "_table_references"): "query",
    (ATHENA, "_hidden"): "relative_key",
    (ATHENA, "_arn_workgroup"): "name",
    (EVALUATOR, "caller_arn"): "",
    ("ministack.services.s3", "_put_object"): "bucket_name, key, body, headers",
    # images.py
    ("ministack.services.ecr", "_put_image"): "data",
    # schedules.py
    ("ministack.services.eventbridge", "_invoke_target"): "target, event, rule, view",
    ("ministack.services.eventbridge", "_dispatch_to_sqs"): "spec, payload, sqs_parameters",
    ("ministack.services.eventbridge", "_parse_rate_seconds"): "expr",
    ("ministack.services.eventbridge", "_parse_cron_fields"): "expr",
    ("ministack.services.eventbridge", "_cron_next_fire"): "fields, after_dt",
    ("ministack.services.scheduler", "_create_schedule"): "name, body",
    ("ministack.services.scheduler", "_update_schedule"): "name, body",
    ("ministack.services.scheduler", "_to_epoch"): "value",
    ("ministack.services.scheduler", "_error"): "status, code, message",
    # buses.py
    ("ministack.services.eventbridge", "_delete_event_bus"): "data",
    # queues.py
    ("ministack.services.sqs", "_queue_by_arn"): "arn",
    ("ministack.services.sqs", "_refresh_counts"): "q",
    # deliveries.py
    ("ministack.services.eventbridge", "_dispatch_to_lambda"): "arn, payload",
    (LAMBDA, "_execution_record_for_config"): "func, config",
    (LAMBDA, "invoke_async_with_retry"): "func, event",
    (LAMBDA, "_route_async_failure"): "target_arn, func_name, event, result",
    # nested_stacks.py
    (f"{STACKS}.provisioners", "_update_resource"): (
        "resource_type, physical_id, old_props, new_props, stack_name, logical_id, old_attrs"
    ),
    (f"{STACKS}.provisioners", "_cfn_nested_stack_deploy"): (
        "logical_id, props, parent_stack_name, previous_physical_id, previous_props"
    ),
    (f"{STACKS}.provisioners", "_check_nested_stack_capabilities"): "parent_stack_name, template",
    (f"{STACKS}.engine", "_TransformFailed"): "template, error",
    # condition_keys.py
    ("ministack.services.secretsmanager", "_resolve"): "secret_id, use_arn_scope",
    # alarms.py
    (f"{STACKS}.provisioners", "_cw_metric_alarm_record"): "name, props",
    (METRICS, "_evaluate_alarm"): "alarm",
    (METRICS, "_evaluate_parent_alarms"): "child, seen",
    (METRICS, "_describe_alarms"): "params, cbor_data, is_cbor, is_json",
    (METRICS, "_describe_alarms_for_metric"): "params, cbor_data, is_cbor, is_json",
    (METRICS, "_set_alarm_state"): "params, cbor_data, is_cbor, is_json",
    (METRICS, "_put_metric_alarm"): "params, cbor_data, is_cbor, is_json",
    (METRICS, "_calc_stats"): "points",
    (METRICS, "_stat_value"): "stats, stat_name, points",
    (METRICS, "_record_history"): (
        "alarm_name, old_state, new_state, reason, alarm_type, reason_data"
    ),
    (METRICS, "_dispatch_alarm_actions"): "alarm, old_state, new_state, reason",
    # canary.py, operations.py
    (f"{STACKS}.provisioners", "_lambda_alias_update"): (
        "physical_id, old_props, new_props, stack_name, logical_id"
    ),
    (f"{STACKS}.provisioners", "_lambda_function_for_cfn_ref"): "function_ref",
    (f"{STACKS}.engine", "_topological_sort"): "resources, conditions",
    (f"{STACKS}.engine", "_resolve_refs"): (
        "value, resources, params, conditions, mappings, stack_name, stack_id"
    ),
    (f"{STACKS}.engine", "_evaluate_conditions"): "template, params",
    (f"{STACKS}.stacks", "_runs_on_worker_thread"): "resource_type",
    (f"{STACKS}.stacks", "_deploy_stack_async"): (
        "stack_name, stack_id, template, param_values, disable_rollback, tags, is_update,"
        " previous_stack, retain_except_on_create, imports"
    ),
    (f"{STACKS}.stacks", "_revert_update"): (
        "stack_id, stack_name, logical_id, rtype, physical_id, applied_props, previous_props,"
        " attrs, record"
    ),
    (f"{STACKS}.stacks", "_roll_back_operation"): (
        "stack_name, stack_id, stack, operation, reason_override"
    ),
    (f"{STACKS}.stacks", "_failed_operation"): (
        "is_update, previous_stack, created, failed_update, failed_logical_id, replaced_ids,"
        " cancelled, template, param_values, retain_except_on_create, stack_tags, previous_tags,"
        " imports"
    ),
    (f"{STACKS}.stacks", "_delete_stack_async"): "stack_name, stack_id, retain_resources, force",
    # transforms.py
    (f"{STACKS}.engine", "_apply_transforms"): "template, provided_params, previous_params",
    (f"{STACKS}.engine", "_transform_parameters"): "template, provided_params, previous_params",
    # pipelines.py
    ("ministack.services.cloudformation.provisioners", "_physical_name"): (
        "stack_name, logical_id, lowercase, max_len, seeded"
    ),
}

STORES = [
    ("ministack.app", "SERVICE_HANDLERS"),
    (f"{STACKS}.engine", "CfnLoader"),
    ("ministack.app", "_MAIN_LOOP"),
    ("ministack.core.router", "SERVICE_PATTERNS"),
    (ACTIONS, "SERVICE_TO_IAM_NAMESPACE"),
    ("ministack.services.sts", "_sessions"),
    ("ministack.services.iam", "_roles"),
    ("ministack.services.eventbridge", "_rules"),
    ("ministack.services.scheduler", "_schedules"),
    ("ministack.services.scheduler", "_schedule_last_fired"),
    ("ministack.services.ecr", "_repositories"),
    ("ministack.services.ecr", "_images"),
    (STATES, "_executions"),
    (LAMBDA, "_functions"),
    ("ministack.services.dynamodb", "_tables"),
    (ATHENA, "_executions"),
    (ATHENA, "_workgroups"),
    ("ministack.services.glue", "_tables"),
    ("ministack.services.s3", "_buckets"),
    ("ministack.services.cloudformation", "_stacks"),
    ("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS"),
    ("ministack.services.cloudformation.provisioners", "_REPLACING_PROPERTIES"),
    ("ministack.services.cloudformation.provisioners", "_STACK_TAG_PROPERTY"),
]


def test_the_versions_are_the_ones_that_were_read() -> None:
    assert (version("ministack"), version("moto")) == ("1.5.33", "5.2.5")


@pytest.mark.parametrize(("place", "parameters"), FUNCTIONS.items())
def test_a_function_we_touch_takes_what_it_took(place: tuple[str, str], parameters: str) -> None:
    module, name = place

    function = getattr(importlib.import_module(module), name)

    assert ", ".join(inspect.signature(function).parameters) == parameters


@pytest.mark.parametrize(("module", "name"), STORES)
def test_a_store_we_read_is_there(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


def test_every_service_that_is_kept_can_be_taken_and_restored() -> None:
    from localaws.patches import memory

    kept = {name: f"ministack.services.{module}" for name, module in memory.MODULES.items()}
    without = [
        name
        for name, module in kept.items()
        for function in ("get_state", "load_persisted_state")
        if not hasattr(importlib.import_module(module), function)
    ]

    assert without == []


def test_ministack_still_makes_what_we_replace() -> None:
    """Each of these is a reason for a patch: when one fails, the patch may go."""
    evaluator: Any = importlib.import_module(EVALUATOR)
    provisioners: Any = importlib.import_module("ministack.services.cloudformation.provisioners")

    assert "Runtime.HandlerError" in inspect.getsource(
        importlib.import_module(LAMBDA)._execute_function_warm
    )
    assert "States.ServiceRestart" in inspect.getsource(
        importlib.import_module(STATES)._restore_state
    )
    assert '== "test"' in inspect.getsource(evaluator.is_root_access_key)
    # An alias moves at once, whatever its UpdatePolicy says, and never by weight.
    assert "UpdatePolicy" not in inspect.getsource(provisioners)
    assert "AdditionalVersionWeights" not in inspect.getsource(
        importlib.import_module(LAMBDA)._invoke
    )
    assert (
        importlib.import_module(ACTIONS)._lambda_action(
            "GET", "/2015-03-31/functions/f/aliases/live"
        )
        == "ListAliases"
    )
    # A bus goes with the rules of others.
    buses = importlib.import_module("ministack.services.eventbridge")
    assert "can't be deleted" not in inspect.getsource(buses._delete_event_bus)
    # A schedule fires in UTC, whatever its zone.
    scheduler = importlib.import_module("ministack.services.scheduler")
    assert "ScheduleExpressionTimezone" not in inspect.getsource(scheduler._tick_schedules)
    # A schedule's context is not filled in, and nobody asks its role.
    dispatched = inspect.getsource(importlib.import_module("ministack.services.eventbridge"))
    assert "aws.scheduler.scheduled-time" not in dispatched
    with pytest.raises(ValueError, match="metric math"):
        provisioners._cw_metric_alarm_record("name", {"Metrics": [{"Id": "a"}]})
