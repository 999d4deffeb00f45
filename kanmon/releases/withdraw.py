"""Takes a model out of service: its alias then answers every request with one clear error."""

from typing import TYPE_CHECKING

from core.stage.release_records import Release
from kanmon.errors import BadInputError, NoServiceError
from kanmon.releases.pipeline import progress_of
from kanmon.releases.records import champion_of, deployment_lock_of, find_release
from kanmon.releases.rollback import start
from kanmon.stage.connection import stage_flag

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection


def withdraw(connection: "Connection", model: str, reason: str) -> tuple[Release, str]:
    """Start it; the release in service until now, and the execution's ID."""
    if not reason.strip():
        raise BadInputError(
            "a withdrawal needs a reason", "It is stored in the model's history: --reason."
        )
    champion = champion_of(connection, model)
    if champion is None:
        raise NoServiceError(
            f"model {model} has no release in service", "There is nothing to withdraw."
        )
    holder = deployment_lock_of(connection, model).holder
    running = progress_of(connection, holder) if holder else None
    if running is not None and not running.ended:
        coming = f"{model}/{running.variables.get('release')}"
        raise BadInputError(
            f"release {coming} is being deployed",
            f"Stop it with `kanmon stop {coming}{stage_flag(connection.name)}`, then withdraw.",
        )
    release = find_release(connection, f"{model}/{champion.release}")
    return release, start(connection, release, "withdrawal", reason)
