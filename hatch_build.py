"""Kanmon is installed from a checkout only, in editable mode."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CheckoutOnly(BuildHookInterface[Any]):
    """Refuse to build a wheel: it would lack the template, the functions and the steps."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            raise SystemExit(
                "kanmon: there is no wheel of Kanmon, because it deploys the files of a checkout; "
                "use `make setup` in one."
            )
