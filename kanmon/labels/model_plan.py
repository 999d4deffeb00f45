"""How a model's label files, captures and batches are read: the plan of its definition."""

from typing import TYPE_CHECKING, Any

from core.stage.release_records import Champion
from kanmon.releases.records import champion_of, find_release, release_record
from kanmon.stage.connection import read_json

if TYPE_CHECKING:
    from contract.plan import Plan
    from kanmon.stage.connection import Connection


def plan_of(definition: Any) -> "Plan":
    """The plan of a definition, as the steps see it."""
    from contract.plan import Plan

    content = definition.model_dump(mode="json")
    return Plan.from_document(
        {"run": "", "model": definition.name, "definition": {"content": content}}
    )


def classes_in_service(connection: "Connection", model: str) -> tuple[str, ...]:
    """The classes that the release in service knows; none without one, or of a number."""
    champion = champion_of(connection, model)
    return () if champion is None else _classes(connection, model, champion)


def _classes(connection: "Connection", model: str, champion: Champion) -> tuple[str, ...]:
    release = find_release(connection, f"{model}/{champion.release}")
    uri = str(release_record(connection, release)["evaluation"]["uri"])
    evaluation = read_json(connection, uri.split("/", 3)[-1]) or {}
    return tuple((evaluation.get("confusion") or {}).get("labels", ()))
