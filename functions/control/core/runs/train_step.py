"""What a run needs of a train step of the model's own: its image, and the file it begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.definition.schema import ModelDefinition
from core.definition.train import OWN, image_tag
from core.stage.bucket import ObjectMissingError
from core.stage.images import RUN_STEPS, StepImage
from core.words.catalogue import say

if TYPE_CHECKING:
    from core.stage.gateways import Stage


def step_images(stage: Stage, definition: ModelDefinition) -> dict[str, StepImage]:
    """The image of each step; Train of a model that has its own is that one."""
    tags = {step: step for step in RUN_STEPS}
    if definition.trainer.library == OWN:
        tags["train"] = image_tag(definition.name)
    images = stage.images(tags.values())
    return {step: images[tag] for step, tag in tags.items()}


def base_uri(stage: Stage, definition: ModelDefinition) -> str | None:
    """Where the file is that Train begins with, if the definition names one.

    Its digest is in the definition, and so in the fingerprint. Raises ObjectMissingError.
    """
    base = definition.trainer.base
    if base is None:
        return None
    key = stage.store.base_key(definition.name, base.file)
    if key not in stage.store.keys(key):
        uri, name = stage.store.uri(key), base.file
        raise ObjectMissingError(say("run.definition.no_base", uri=uri, file=name))
    return stage.store.uri(key)
