"""A part of `model.yaml`: strict about types and keys."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class Part(BaseModel):
    # Strict: `rounds: "2000"` and `nullable: 1` are mistakes to point at, not to guess about.
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Grown(Part):
    """Its later keys are written only where they are set: earlier definitions do not have them."""

    later: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_unset(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written = write(self).items()
        return {key: value for key, value in written if value is not None or key not in self.later}
