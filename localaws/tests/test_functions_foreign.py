"""Packages that were built for AWS's Python and processor, on this machine."""

import importlib.machinery
from pathlib import Path

from localaws.functions.foreign import leave_to_the_environment

HERE = importlib.machinery.EXTENSION_SUFFIXES[0]


def test_only_libraries_that_cannot_be_loaded_here_are_left_to_the_environment(tmp_path: Path):
    kept = [
        "score.py",
        f"fits/core{HERE}",
        "stable/core.abi3.so",
        "plain/libgomp.so",
        "pure/a.py",
        "python/mine/a.py",
    ]
    for name in (
        *kept,
        "numpy/__init__.py",
        "numpy/_core/math.cpython-27-x86_64-linux-gnu.so",
        "other/core.cpython-27.so",
        "python/layered/core.cpython-27.so",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    leave_to_the_environment(tmp_path)

    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == set(kept)
