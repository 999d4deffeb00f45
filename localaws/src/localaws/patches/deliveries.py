"""MiniStack's EventBridge calls functions as AWS does: again where they fail, then dead letters.

MiniStack calls a rule's function once and forgets it, although it has what it takes: its own
asynchronous invocation tries again, and knows the function's destination for failures, but asks no
role for it.
"""

import json
import logging
from typing import Any

from ministack.core.arn import parse_arn
from ministack.services import eventbridge, lambda_svc

from localaws import authorization, persistence

log = logging.getLogger(__name__)

DIFFERS = (
    "A function that fails for a rule is called again after one second and after two; on AWS these "
    "are one and two minutes. A target that is not there is left out, without dead letters."
)


def install() -> None:
    """Call functions of rules with retries, and leave their failures as the function's role."""
    leave = lambda_svc._route_async_failure

    def call(arn: str, payload: str) -> None:
        func, config, _ = lambda_svc._get_func_record_for_ref(arn)
        if not func or not config:
            log.warning("a rule's function is not there: %s", arn)
            return
        called = lambda_svc._execution_record_for_config(func, config)
        lambda_svc.invoke_async_with_retry(called, json.loads(payload))

    def leave_as_role(arn: str, function: str, event: Any, result: Any) -> None:
        role = lambda_svc._functions[function]["config"]["Role"]
        if parse_arn(arn).service == "sqs" and not authorization.allowed(
            role, "sqs:SendMessage", arn
        ):
            log.warning("%s may not leave its failure at %s", role, arn)
            return
        leave(arn, function, event, result)
        persistence.changed("sqs")

    eventbridge._dispatch_to_lambda = call
    lambda_svc._route_async_failure = leave_as_role
