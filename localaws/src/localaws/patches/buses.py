"""MiniStack's EventBridge: a bus that has rules is not deleted, by its API or with its stack."""

from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

TYPE = "AWS::Events::EventBus"
REFUSAL = "EventBus can't be deleted since it has rules."


class BusHasRulesError(Exception):
    """A stack's bus has rules that are not the stack's."""


def install() -> None:
    """Refuse, where MiniStack would delete the rules of others too."""
    delete, of_a_stack = eventbridge._delete_event_bus, provisioners._RESOURCE_HANDLERS[TYPE]
    deprovision = of_a_stack["delete"]

    def delete_event_bus(request: dict[str, Any]) -> Any:
        if _has_rules(str(request.get("Name"))):
            return error_response_json("ValidationException", REFUSAL, 400)
        return delete(request)

    def deprovision_bus(name: str, properties: dict[str, Any]) -> None:
        if _has_rules(name):
            raise BusHasRulesError(REFUSAL)
        deprovision(name, properties)

    eventbridge._delete_event_bus = delete_event_bus
    provisioners._RESOURCE_HANDLERS[TYPE] = {**of_a_stack, "delete": deprovision_bus}


def _has_rules(bus: str) -> bool:
    return any(rule.get("EventBusName") == bus for rule in eventbridge._rules.values())
