"""What the documents say and AWS's own tools do: `make test-docs`. Anything else skips it aloud."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "docs" in (config.option.markexpr or ""):
        return
    for item in items:
        if item.get_closest_marker("docs"):
            item.add_marker(
                pytest.mark.skip(
                    reason="`make test-docs` runs the documents' commands and AWS's own tools"
                )
            )
