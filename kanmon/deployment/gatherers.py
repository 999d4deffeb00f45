"""The models whose gather.py a stage runs, as samconfig.toml gives them."""

from typing import TYPE_CHECKING

from core.names import MODEL_RULE, is_model_name
from kanmon.errors import BadInputError

if TYPE_CHECKING:
    from kanmon.project import StageSettings

PARAMETER = "GatherModels"


def check(settings: "StageSettings") -> None:
    """Refuse names that no model can have, and two that would be one in the template.

    The template's loop makes logical names of them, without their hyphens, and CloudFormation says
    of one that is there twice only that the template is wrong.
    """
    place = f"samconfig.toml: [{settings.name}.deploy.parameters] {PARAMETER}"
    seen: dict[str, str] = {}
    for name in filter(None, settings.parameters.get(PARAMETER, "").split(",")):
        if not is_model_name(name):
            raise BadInputError(f"{place}: {name!r} names no model", f"A name has {MODEL_RULE}.")
        plain = name.replace("-", "")
        if seen.get(plain) == name:
            raise BadInputError(f"{place}: {name} is there twice", "Remove one.")
        if plain in seen:
            raise BadInputError(
                f"{place}: {seen[plain]} and {name} differ by hyphens only",
                "Rename one of the models.",
            )
        seen[plain] = name
