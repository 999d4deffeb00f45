"""Where a stage records its runs in MLflow, as samconfig.toml gives it."""

from typing import TYPE_CHECKING

from core.experiments.target import TargetError, target_of
from kanmon.errors import BadInputError

if TYPE_CHECKING:
    from kanmon.project import StageSettings

PARAMETER = "MlflowTracking"
APP = "app"


def check(settings: "StageSettings") -> None:
    """Refuse a place that the stage's function could not reach, before anything is deployed."""
    written = settings.parameters.get(PARAMETER, "")
    place = f"samconfig.toml: [{settings.name}.deploy.parameters] {PARAMETER}"
    local = settings.name == "local"
    if written == APP and local:
        raise BadInputError(
            f"{place}: there is no MLflow App on the local stage",
            "Leave it out and run `kanmon up --mlflow`, or name a server's URI.",
        )
    if written in ("", APP):
        return
    try:
        target = target_of(written)
    except TargetError as error:
        raise BadInputError(f"{place}: {error}") from error
    if target.scheme == "http" and not local:
        raise BadInputError(
            f"{place}: a function in AWS cannot reach {target.address}, which is this machine",
            "Name a server that it can reach, by https.",
        )
