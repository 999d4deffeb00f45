"""For tests that call AWS's clients against doubles: no call can reach an account."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def no_account() -> Iterator[None]:
    """Credentials that open nothing, should a call ever escape. A conftest that imports this
    fixture has it for all its tests."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            environment.setenv(name, "testing")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment.setenv("AWS_REGION", "us-east-1")
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        yield
