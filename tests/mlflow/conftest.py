"""A real MLflow server: `make test-mlflow`. Anything else skips it aloud."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "mlflow" in (config.option.markexpr or ""):
        return
    for item in items:
        if item.get_closest_marker("mlflow"):
            item.add_marker(pytest.mark.skip(reason="`make test-mlflow` starts an MLflow server"))
