"""What the models' definitions say about planning, read once for each of their contents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.stage.bucket import ObjectMissingError

if TYPE_CHECKING:
    from core.plan.sources import Sources
    from core.stage.plan_table import Planned

# A tick reads so many files; a model whose new one is not read yet is planned by its earlier one.
MOST_READ = 100
# What is kept below is read anew where a later version of Kanmon reads more of it.
FORMAT = 1


def definitions(
    sources: Sources, current: Mapping[str, str], planned: Mapping[str, Planned]
) -> dict[str, dict[str, Any]]:
    """By model, what its current definition says; `current` are their digests.

    Only what is not kept already is read. A model of which nothing could be read yet is left out.
    """
    found: dict[str, dict[str, Any]] = {}
    read = 0
    for model, sha256 in sorted(current.items()):
        seen = planned.get(model)
        kept = seen.definition if seen else None
        if kept and kept.get("sha256") == sha256 and kept.get("format") == FORMAT:
            found[model] = dict(kept)
        elif read < MOST_READ:
            read += 1
            found[model] = _read(sources, model, sha256)
        elif kept:
            found[model] = dict(kept)
    return found


def _read(sources: Sources, model: str, sha256: str) -> dict[str, Any]:
    # Most ticks read no definition, and what checks one takes long to load.
    from core.definition.parse import DefinitionError, parse_definition

    key = sources.store.definition_key(model, sha256, "model.yaml")
    known = {"format": FORMAT, "sha256": sha256, "location": f"datasets/{model}/"}
    try:
        text = sources.store.read(key).decode("utf-8", "replace")
        content = parse_definition(text, f"models/{model}/model.yaml").model_dump(mode="json")
    except (DefinitionError, ObjectMissingError) as error:
        return {**known, "problem": str(error).splitlines()[0]}
    budget = content.get("budget") or {}
    return {
        **known,
        "location": content["data"]["location"],
        "retrain": content.get("retrain") or {},
        "batch_schedule": content["batch"].get("schedule"),
        "monitor_schedule": content["monitor"].get("schedule"),
        "quiet_hours": content.get("quiet_hours"),
        "budget_usd": budget.get("usd_per_month"),
    }


def planning_part(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What of it the rule is told."""
    return {name: value for name, value in kept.items() if name not in ("format", "location")}
