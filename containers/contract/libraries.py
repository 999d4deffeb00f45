"""LightGBM and XGBoost, imported when a step needs one of them.

Both try to import scikit-learn for a face of theirs that the steps never use. Where it happens to
be installed that costs a step about a second, so it is hidden from them while they load.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def lightgbm() -> Any:
    """The lightgbm module."""
    with _without("sklearn", "pandas", "matplotlib", "dask"):
        import lightgbm

    return lightgbm


def xgboost() -> Any:
    """The xgboost module."""
    with _without("sklearn", "pandas", "matplotlib", "dask"):
        import xgboost

    return xgboost


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
