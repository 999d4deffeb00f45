"""Where MLflow shows a run that was recorded there."""

from typing import TYPE_CHECKING

from core.experiments.target import run_address

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection


def mlflow_address(connection: "Connection", model: str, run: str) -> str | None:
    """The run's address for a browser; None if it is not recorded, or in an App of SageMaker."""
    from kanmon.stage.model_table import item_of

    item = item_of(connection, model, f"experiment#{run}") or {}
    names = [item.get(name) for name in ("tracking", "experiment", "id")]
    return run_address(*map(str, names)) if all(names) else None
