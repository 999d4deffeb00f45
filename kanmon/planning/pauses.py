"""Pausing a model: the planner starts nothing for it until it is resumed. Both have a reason."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.stage.items import Items
from core.stage.plan_table import PAUSE
from core.stage.release_history import HistoryEntry
from core.words.formats import local_moment, one_line, timestamp
from core.words.people import person
from kanmon.errors import BadInputError
from kanmon.stage.connection import stage_flag
from kanmon.stage.model_table import item_of
from kanmon.stage.reason import check_reason

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# Of more the newest are kept: an item of the table has 400 KB at most.
MOST_KEPT = 100


def pause(connection: "Connection", model: str, reason: str) -> dict[str, Any]:
    """Pause the model. Raises BadInputError if it is paused already."""
    known = item_of(connection, model, PAUSE) or {}
    if known.get("pause"):
        raise BadInputError(
            f"{model} is {words(known['pause'])}",
            f"`kanmon resume {model}{stage_flag(connection.name)} --reason …` ends that.",
        )
    said = _said(connection, reason)
    _write(connection, model, known, {"pause": said}, {"event": "paused", **said})
    return {"model": model, "paused": said}


def resume(connection: "Connection", model: str, reason: str) -> dict[str, Any]:
    """End the pause. Raises BadInputError if the model is not paused."""
    known = item_of(connection, model, PAUSE) or {}
    if not known.get("pause"):
        raise BadInputError(f"{model} is not paused", "There is nothing to resume.")
    said = _said(connection, reason)
    _write(connection, model, known, {"pause": None}, {"event": "resumed", **said})
    return {"model": model, "paused": None, "was": known["pause"]}


def pauses(connection: "Connection", model: str) -> list[HistoryEntry]:
    """When the model was paused and resumed, the oldest first."""
    known = item_of(connection, model, PAUSE) or {}
    return [
        HistoryEntry(one["at"], one["event"], by=one["by"], reason=one["reason"])
        for one in known.get("pauses", [])
    ]


def paused_models(connection: "Connection", models: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Those of the models that are paused: why, since when, by whom."""
    from kanmon.stage.model_table import items_named

    found = items_named(connection, [(model, PAUSE) for model in models])
    return {one["model"]: one["pause"] for one in found if one.get("pause")}


def words(paused: dict[str, Any]) -> str:
    """A pause in words."""
    since, by = local_moment(paused.get("at")), person(paused.get("by"))
    return f"paused since {since} by {by}: {one_line(paused.get('reason'))}"


def _said(connection: "Connection", reason: str) -> dict[str, str]:
    check_reason(reason)
    by = str(connection.client("sts").get_caller_identity()["Arn"])
    return {"reason": reason, "at": timestamp(datetime.now(UTC)), "by": by}


def _write(
    connection: "Connection",
    model: str,
    known: dict[str, Any],
    fields: dict[str, Any],
    entry: dict[str, str],
) -> None:
    kept = [*known.get("pauses", []), entry][-MOST_KEPT:]
    items = Items(connection.dynamodb, connection.table)
    items.change(model, PAUSE, {**fields, "pauses": kept})
