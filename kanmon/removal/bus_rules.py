"""Rules that others have on the stage's bus: EventBridge deletes no bus that has rules."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from kanmon.errors import RunFailedError
from kanmon.removal.probes import is_missing
from kanmon.removal.things import Kind, Resource, Thing

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

BUS, RULE = "AWS::Events::EventBus", "AWS::Events::Rule"


def of_others(connection: "Connection", resources: tuple[Resource, ...]) -> Iterator[Thing]:
    """The rules on the buses of a stack that the stack did not make, with their targets."""
    # CloudFormation calls a rule of a bus `<bus>|<rule>`, the local stage by its name alone.
    own = {one.name.rpartition("|")[2] for one in resources if one.type == RULE}
    for bus in (one.name for one in resources if one.type == BUS):
        for rule in _rules(connection, bus):
            if rule not in own:
                targets = _targets(connection, bus, rule)
                yield Thing(
                    Kind.RULE,
                    f"{bus}|{rule}",
                    len(targets),
                    "target",
                    parts=tuple(targets),
                    targets=tuple(targets.values()),
                )


def remove(connection: "Connection", thing: Thing) -> None:
    """Take the rule's targets off it, and delete it; a service's own rule, too."""
    bus, _, rule = thing.name.partition("|")
    place = {"Rule": rule, "EventBusName": bus}
    client = connection.client("events")
    try:
        # What was added while a person was asked goes as well.
        while targets := client.list_targets_by_rule(**place)["Targets"]:
            ids = [one["Id"] for one in targets]
            answer = client.remove_targets(**place, Ids=ids, Force=True)
            if answer["FailedEntryCount"]:
                [wrong, *_] = answer["FailedEntries"]
                raise RunFailedError(
                    f"EventBridge did not take target {wrong.get('TargetId')} off the rule "
                    f"{thing.name}: {wrong.get('ErrorMessage')}",
                    "Run the same command again.",
                )
        client.delete_rule(Name=rule, EventBusName=bus, Force=True)
    except ClientError as error:
        if not is_missing(error):
            raise


def _rules(connection: "Connection", bus: str) -> list[str]:
    pages = connection.client("events").get_paginator("list_rules").paginate(EventBusName=bus)
    try:
        return [one["Name"] for page in pages for one in page["Rules"]]
    except ClientError as error:
        if is_missing(error):
            return []
        raise


def _targets(connection: "Connection", bus: str, rule: str) -> dict[str, str]:
    """The ARNs of what a rule calls, by the targets' ids."""
    pages = connection.client("events").get_paginator("list_targets_by_rule")
    listed = pages.paginate(EventBusName=bus, Rule=rule)
    return {one["Id"]: one["Arn"] for page in listed for one in page["Targets"]}
