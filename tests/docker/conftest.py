"""The Docker tier: `make test-docker`. Any other command reports it as skipped."""

import subprocess

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    reason = None
    asked = config.option.markexpr or ""
    if "docker" not in asked or "not docker" in asked:
        reason = "the Docker tier is run by `make test-docker`"
    elif not docker_answers():
        reason = "no Docker engine answers"
    for item in items:
        if reason and item.get_closest_marker("docker"):
            item.add_marker(pytest.mark.skip(reason=reason))


def docker_answers() -> bool:
    try:
        answer = subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=30)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0
