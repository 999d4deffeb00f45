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


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_what_numpy_imports_late_is_not_imported_with_them_and_works_afterwards(
    library: str,
) -> None:
    code = f"""
import sys
from contract.libraries import {library}
{library}()
late = ["numpy.f2py", "numpy.testing", "numpy.ctypeslib"]
print([name for name in late if name in sys.modules])
import numpy
print(numpy.testing.assert_equal(1, 1), "f2py" in dir(numpy), "testing" in numpy.__all__)
"""
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=CONTAINERS, capture_output=True, text=True, check=True
    ).stdout

    assert printed.splitlines() == ["[]", "None True True"]
