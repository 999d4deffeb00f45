"""Which folders of the data bucket a batch may read: those of data sets and uploads, other batches'
scores and the team's own, and none that Kanmon keeps for itself. Pure.
"""

from __future__ import annotations

import re

# Kanmon's own folders in the data bucket. template.yaml denies the job to read their versions.
PRIVATE = (
    "attempts",
    "bases",
    "capture",
    "definitions",
    "gathered",
    "images",
    "labels",
    "metrics",
    "mlflow",
    "monitoring",
    "packages",
    "plans",
    "releases",
    "runs",
    "snapshots",
    "watch-metrics",
)
_SCORES = re.compile(r"batches/[^/]+/[^/]+/scores/.*")
_PRIVATE_FIX = "name a folder of your own, such as datasets/ or inputs/"


def check_prefix(prefix: str) -> str:
    """The folder itself; raises ValueError with the fix.

    >>> check_prefix("datasets/churn/")
    'datasets/churn/'
    """
    if not prefix.endswith("/") or not _plain(prefix[:-1]):
        raise ValueError(f"{prefix[:200]!r} is not a folder; write one such as datasets/churn/")
    _check_is_open(prefix)
    return prefix


def check_key(key: str) -> str:
    """The name of an object itself; raises ValueError with the fix."""
    if "/" not in key or not _plain(key):
        raise ValueError(f"{key[:200]!r} is not a file in a folder of the data bucket; name one")
    _check_is_open(key)
    return key


def _plain(path: str) -> bool:
    return all(part not in ("", ".", "..") for part in path.split("/")) and "*" not in path


def _check_is_open(path: str) -> None:
    folder = path.split("/")[0]
    if folder in PRIVATE:
        raise ValueError(f"{folder}/ is Kanmon's own and is not scored; {_PRIVATE_FIX}")
    if folder == "batches" and not _SCORES.fullmatch(path):
        words = "of a batch only its scores can be scored"
        raise ValueError(f"{words}; write batches/MODEL/BATCH/scores/")
