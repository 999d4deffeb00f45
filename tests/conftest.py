"""How the tests are run: in which order, and with a heap that garbage is seldom looked for in.

What takes long begins first, so that two workers end together.

`make test` gives each worker file after file, in this order. A long file that began last would keep
one worker busy while the other has nothing left.
"""

import gc
import sys
from functools import cache
from pathlib import Path

import pytest

# MiniStack looks whether it is there, and it would call its own objects leaked when a worker ends.
sys.modules["duckdb"] = None  # type: ignore[assignment]

TESTS = Path(__file__).parent
# Files that wait for stages and other programs, the longest first; all others are short.
LONGEST = (
    "retrain/test_release_faults.py",
    "retrain/test_run_kills.py",
    "retrain/test_faults.py",
    "retrain/test_releases.py",
    "cli/test_releases.py",
    "retrain/test_release_kills.py",
    "retrain/test_grants.py",
    "cli/test_removal.py",
    "retrain/test_batches.py",
    "retrain/test_loop.py",
    "retrain/test_bad_input.py",
    "cli/test_runs.py",
    "workflow/test_paths.py",
    "template/test_lint.py",
    "unit/evaluate/test_bootstrap.py",
    "unit/review/test_page.py",
    "unit/review/test_release_page.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Let an example of Hypothesis take as long as the machine needs, and every run try the same.

    `pytest --hypothesis-profile exploring` tries others. The browser's tests have neither
    Hypothesis nor AWS's SDK.
    """
    if config.pluginmanager.hasplugin("hypothesispytest"):
        from botocore import session
        from hypothesis import settings

        # A session would read the descriptions of AWS's services anew, and moto makes one per test.
        session.create_loader = cache(session.create_loader)
        settings.register_profile("exploring", deadline=None)
        settings.register_profile("steady", deadline=None, derandomize=True)
        settings.load_profile(config.getoption("--hypothesis-profile") or "steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; the tests of a file keep their order."""
    rank = {TESTS / name: at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(LONGEST)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was imported stays: walking it again and again is a tenth of the time of short tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
