"""Removing what an inventory of a model has, in order."""

from typing import TYPE_CHECKING, Any

from kanmon.removal import kept_costs, model_inventory, showing, write_once
from kanmon.removal.check import Checked, check
from kanmon.removal.deletion import Removal
from kanmon.removal.model_places import places
from kanmon.removal.things import Kind, Thing

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection
    from kanmon.terminal.screen import Screen


def remove(
    connection: "Connection", screen: "Screen", model: str, things: list[Thing], kept: list[Thing]
) -> Checked:
    """Remove the things in their order, then ask whether they are gone."""
    removal = Removal(connection, screen.live, connection.bucket, connection.table)
    with showing.may_be_interrupted():
        # A removal that was killed may have left it lifted.
        write_once.restore(connection, connection.bucket)
        # The planner counts it at every moment.
        kept_costs.keep(connection, model)
        for thing in things:
            if thing.kind is Kind.ITEMS:  # what was counted meanwhile
                kept_costs.keep(connection, model)
            removal.remove(thing)
            screen.note(f"Removed {thing.kind} {thing.name}")
            if thing.kind is Kind.DEFINITION:
                # Without it nothing starts; what began while a person was asked still runs.
                model_inventory.refuse(connection, model, in_service=True)
        return check(removal, [*things, *_places_without_anything(model, things, kept)], kept)


def _places_without_anything(model: str, things: list[Thing], kept: list[Thing]) -> list[Thing]:
    """Places where nothing was found: a function may have written there meanwhile."""
    known = {one.name for one in (*things, *kept)}
    found = [Thing(kind, prefix) for kind, prefix in places(model) if prefix not in known]
    if not any(one.kind is Kind.ITEMS for one in things):
        found.append(Thing(Kind.ITEMS, model))
    return [one for one in found if one.kind is not Kind.DATASET]


def document(
    connection: "Connection", model: str, things: list[Thing], kept: list[Thing], checked: Checked
) -> dict[str, Any]:
    """What a program gets."""
    return {
        "stage": connection.name,
        "model": model,
        "things": [one.document() for one in things],
        "kept": [one.document() for one in kept],
        "removed": checked.asked > 0,
        "asked": checked.asked,
        "left": checked.left,
        "unasked": list(checked.unasked),
    }
