"""A model's definition as the stage holds it: the current one, or the one that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.definition.parse import parse_definition
from core.definition.schema import ModelDefinition
from core.stage.bucket import ObjectMissingError
from core.words.catalogue import say

if TYPE_CHECKING:
    from core.stage.gateways import Stage


class UnknownModelError(Exception):
    """The stage has no definition of the model that was asked for."""


@dataclass(frozen=True)
class StoredDefinition:
    sha256: str
    content: ModelDefinition


def stored_definition(stage: Stage, model: str, wanted: str | None = None) -> StoredDefinition:
    """The definition with this sha256; without one, the current one. Raises UnknownModelError."""
    sha256 = wanted or stage.runs.current_definition(model)
    if sha256 is None:
        raise UnknownModelError(say("run.definition.none", model=model, stage=stage.short_name))
    key = stage.store.definition_key(model, sha256, "model.yaml")
    try:
        text = stage.store.read(key).decode("utf-8", "replace")
    except ObjectMissingError as error:
        uri = stage.store.uri(key)
        raise UnknownModelError(
            say("run.definition.gone", model=model, uri=uri, stage=stage.short_name)
        ) from error
    definition = parse_definition(text, f"models/{model}/model.yaml")
    if definition.name != model:
        raise UnknownModelError(say("run.definition.other_name", model=model, name=definition.name))
    return StoredDefinition(sha256, definition)
