"""How the tests are run: in which order, and with a heap that garbage is seldom looked for in.

What takes long begins first, so that two workers end together.

`make test` gives each worker file after file, in this order. A long file that began last would keep
one worker busy while the other has nothing left.
"""

import gc
import sys
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

# MiniStack looks whether it is there, and it would call its own objects leaked when a worker ends.
sys.modules["duckdb"] = None  # type: ignore[assignment]

TESTS = Path(__file__).parent
# Files that wait for stages and other programs, the longest first; all others are short.
LONGEST = (
    "retrain/test_release_faults.py",
    "retrain/test_run_kills.py",
    "retrain/test_faults.py",
    "cli/test_releases.py",
    "cli/test_runs.py",
    "cli/test_monitoring.py",
    "cli/test_stage.py",
    "retrain/test_loop.py",
    "retrain/test_releases.py",
    "retrain/test_release_kills.py",
    "retrain/test_grants.py",
    "cli/test_removal.py",
    "retrain/test_bad_input.py",
    "retrain/test_batches.py",
    "unit/review/test_page_of_any_documents.py",
    "integration/test_open_release.py",
    "template/test_lint.py",
    "unit/monitor/test_quality.py",
    "unit/review/test_release_page.py",
    "unit/evaluate/test_evaluation.py",
)

# Of each group, all files share a stage, whose start and deployment take seconds of a processor.
OF_ONE_STAGE = {
    "tests/cli/": "cli",
    "tests/retrain/test_loop.py": "retrain",
    "tests/retrain/test_bad_input.py": "retrain",
    "tests/retrain/test_planning.py": "retrain",
}


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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Give one worker all that uses one stage, and every other file to the next that is free."""
    from xdist.scheduler import LoadFileScheduling

    class OneStageOneWorker(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            groups = (name for place, name in OF_ONE_STAGE.items() if file.startswith(place))
            return next(groups, file)

    return OneStageOneWorker(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; the tests of a file keep their order."""
    rank = {TESTS / name: at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(LONGEST)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """What is imported stays: walking it again and again is a tenth of the time of short tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        gc.enable()
