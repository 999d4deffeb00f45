"""How the tests wait for what happens in its own time: for a sign of it, and with patience."""

import time
from collections.abc import Callable
from typing import Any

# No test that passes waits this long. A busy machine may be many times slower than an idle one.
PATIENCE_SECONDS = 120.0


def eventually(question: Callable[[], Any], pause_seconds: float = 0.05) -> Any:
    """Ask until the answer is true, and return it. A pause leaves the processor to the others."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while not (answer := question()):
        assert time.monotonic() < limit, "it never became true"
        time.sleep(pause_seconds)
    return answer
