"""The documents' commands and the SAM CLI: `make test-docs`. Anything else skips them aloud."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "docs" in (config.option.markexpr or ""):
        return
    for item in items:
        if item.get_closest_marker("docs"):
            item.add_marker(
                pytest.mark.skip(
                    reason="`make test-docs` runs the documents' commands and the SAM CLI"
                )
            )
