"""Who may put facts on the stage's event bus, by the bus's own policy."""

from __future__ import annotations

from typing import Any

import pytest
from ministack.core import iam_evaluator

from tests.support.policy_decisions import ACCOUNT, may
from tests.support.translation import resolve, resources

BUS = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/EventBus"
REPORTING = sorted(
    role for role in resources("AWS::IAM::Role") if may(role, "events:PutEvents", BUS)
)


def statement() -> dict[str, Any]:
    policy = resources("AWS::Events::EventBusPolicy")["EventBusPolicy"]["Properties"]
    assert resolve(policy["EventBusName"]) == "EventBus"
    found: dict[str, Any] = resolve(policy["Statement"])
    return found


def decision(principal: str, action: str = "events:PutEvents") -> str:
    question = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:iam::{ACCOUNT}:{principal}",
        principal_type="User",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=BUS,
        region="us-east-1",
    )
    document = {"Version": "2012-10-17", "Statement": [{**statement(), "Sid": "s"}]}
    return str(iam_evaluator.evaluate_resource_policy(document, question).decision)


def test_those_whom_the_bus_lets_put_events_are_those_who_are_granted_it() -> None:
    [(operator, keys)] = statement()["Condition"].items()

    assert operator == "ArnNotEquals"
    assert sorted(keys) == ["aws:PrincipalArn"]
    assert sorted(keys["aws:PrincipalArn"]) == [
        f"arn:aws:iam::{ACCOUNT}:role/{role}" for role in REPORTING
    ]


@pytest.mark.parametrize("role", REPORTING)
def test_a_function_that_reports_facts_is_not_denied(role: str) -> None:
    assert decision(f"role/{role}") != "Deny"


@pytest.mark.parametrize("principal", ["role/PlanRole2", "role/SendMailRole", "user/ada", "root"])
def test_everybody_else_of_the_account_is_denied_events_and_nothing_more(principal: str) -> None:
    assert decision(principal) == "Deny"
    assert decision(principal, "events:PutRule") != "Deny"
