"""How the libraries of trees are loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONTAINERS = Path(__file__).resolve().parents[3] / "containers"


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_threads_that_wait_for_each_other_sleep(library: str) -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", f"from contract.libraries import {library}; {library}()"],
        cwd=CONTAINERS,
        env={**os.environ, "OMP_DISPLAY_ENV": "TRUE"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "OMP_WAIT_POLICY = 'PASSIVE'" in loaded.stderr
