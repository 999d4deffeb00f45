"""LightGBM, XGBoost and Optuna, imported only when a step needs one of them.

They try to import scikit-learn for what the steps never use. Where it is installed, that costs a
step about a second, so it is hidden while they load. LightGBM and XGBoost import scipy, which looks
at every name that numpy offers and so imports numpy's tools for tests and Fortran: a third of the
time for LightGBM. These names are left out of numpy's lists meanwhile, and can be used as ever.

Their threads sleep while they wait for each other (OMP_WAIT_POLICY). By default they spin. When
other work occupies a processor, they then wait again and again for the thread that does not run: a
training of half a second took most of a minute.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LATE_IN_NUMPY = ("f2py", "testing", "ctypeslib")


def lightgbm() -> Any:
    """The lightgbm module."""
    _let_threads_sleep()
    with _without("sklearn", "pandas", "matplotlib", "dask"), _short_numpy():
        import lightgbm

    return lightgbm


def xgboost() -> Any:
    """The xgboost module."""
    _let_threads_sleep()
    with _without("sklearn", "pandas", "matplotlib", "dask"), _short_numpy():
        import xgboost

    return xgboost


def optuna() -> Any:
    """The optuna module, without its databases: Train's image has none."""
    with _without("sklearn", "pandas", "matplotlib", "plotly", "sqlalchemy", "alembic", "yaml"):
        import optuna
        import optuna.importance

    return optuna


def _let_threads_sleep() -> None:
    """Must run before OpenMP is loaded, which happens with the first of the two libraries."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Make imports of these packages fail: Python treats None in sys.modules as not found."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def _short_numpy() -> Iterator[None]:
    """Leave what numpy imports late out of what it lists."""
    import numpy

    names, listing = numpy.__all__, numpy.__dir__
    module: Any = numpy
    module.__all__ = [name for name in names if name not in LATE_IN_NUMPY]
    module.__dir__ = lambda: [name for name in listing() if name not in LATE_IN_NUMPY]
    try:
        yield
    finally:
        module.__all__, module.__dir__ = names, listing
