"""CloudFormation's AWS::Events::EventBusPolicy, which MiniStack lacks, and its enforcement."""

from typing import Any

from ministack.core import iam_evaluator
from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

from localaws.home import ACCOUNT
from localaws.protocol.errors import not_here

KIND = "AWS::Events::EventBusPolicy"
DEFAULT = "default"
# The one form that has a whole statement; the others only let accounts in.
FORM = {"EventBusName", "StatementId", "Statement"}

Properties = dict[str, Any]


def install() -> None:
    """Let templates give buses policies, and ask those about each event that a role puts."""
    provisioners._RESOURCE_HANDLERS[KIND] = {
        "create": _create,
        "update": _update,
        "delete": _delete,
    }
    eventbridge.bus_policy_for_arn = _policy
    iam_evaluator._RESOURCE_POLICY_LOOKUPS["events"] = ("eventbridge", "bus_policy_for_arn")


def _create(logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
    if others := properties.keys() - FORM:
        raise ValueError(str(not_here(f"{KIND}'s {', '.join(sorted(others))}")))
    if missing := FORM - properties.keys() - {"EventBusName"}:
        raise ValueError(str(not_here(f"{KIND} without {', '.join(sorted(missing))}")))
    bus, sid = properties.get("EventBusName", DEFAULT), properties["StatementId"]
    if bus not in eventbridge._event_buses:
        raise ValueError(f"Event bus {bus} does not exist.")
    _keep(bus, [*_others(bus, sid), {**properties["Statement"], "Sid": sid}])
    return f"{bus}|{sid}", {}


def _update(
    physical_id: str, old: Properties, new: Properties, stack: str
) -> tuple[str, Properties]:
    return _create("", new, stack)  # under another name, the engine removes the old one


def _delete(physical_id: str, properties: Properties) -> None:
    bus, _, sid = physical_id.partition("|")
    _keep(bus, _others(bus, sid))


def _others(bus: str, sid: str) -> list[Properties]:
    known = eventbridge._event_bus_policies.get(bus) or {"Statement": []}
    return [one for one in known["Statement"] if one.get("Sid") != sid]


def _keep(bus: str, statements: list[Properties]) -> None:
    if statements:
        policy = {"Version": "2012-10-17", "Statement": statements}
        eventbridge._event_bus_policies[bus] = policy
    else:
        eventbridge._event_bus_policies.pop(bus, None)


def _policy(arn: str) -> tuple[Properties, str] | None:
    """A bus's own policy and its owner."""
    _, _, bus = arn.partition(":event-bus/")
    policy = eventbridge._event_bus_policies.get(bus) if bus else None
    return (policy, ACCOUNT) if policy else None
