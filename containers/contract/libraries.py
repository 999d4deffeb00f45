"""LightGBM and XGBoost, imported when a step needs one of them.

Both try to import scikit-learn for a face of theirs that the steps never use. Where it happens to
be installed that costs a step about a second, so it is hidden from them while they load.

Their threads sleep while they wait for each other (OMP_WAIT_POLICY). By themselves they would spin,
and where other work has one of the processors they wait for the one that does not run, over and
over: a training of half a second then took most of a minute.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def lightgbm() -> Any:
    """The lightgbm module."""
    _let_threads_sleep()
    with _without("sklearn", "pandas", "matplotlib", "dask"):
        import lightgbm

    return lightgbm


def xgboost() -> Any:
    """The xgboost module."""
    _let_threads_sleep()
    with _without("sklearn", "pandas", "matplotlib", "dask"):
        import xgboost

    return xgboost


def _let_threads_sleep() -> None:
    """OpenMP reads it when it is loaded, with the first of the two libraries."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Make importing these packages fail; None in sys.modules is Python's own way to say so."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
