"""Where a model's objects and items are: every place that is that model's alone."""

import re
from collections.abc import Callable

from kanmon.removal.things import Kind

# The folders of the data bucket that have one for each model.
FOLDERS = (
    *("definitions", "snapshots", "gathered", "attempts", "runs", "capture", "labels", "inputs"),
    *("batches", "monitoring", "bases"),
)
# Athena reads these folders' names as a column.
METRICS = ("metrics", "watch-metrics")
# The releases' packages. packages/base/ has what all of them are packed from.
PACKAGES = "packages"
RELEASES, DATASET = "releases", "datasets"
# What all models share: descriptions of images, artifacts in MLflow, the planner's decisions by
# day, and what each person tried in notebooks.
SHARED = ("images", "mlflow", "plans", "scratch")
# Partitions of the model table that no model can have: releases to start, the planner's state, and
# what happened.
QUEUE, QUEUED, QUEUED_MODEL = "releases to start", "to-start#", "of"
PLAN = "#plan"
NOTICES = "#notices"


def places(model: str) -> list[tuple[Kind, str]]:
    """The kinds and prefixes of a model's objects, what it is started from first.

    >>> places("churn")[0], places("churn")[-1]
    ((<Kind.OBJECTS: 'objects'>, 'definitions/churn/'), (<Kind.DATASET: 'data'>, 'datasets/churn/'))
    """
    return [
        *((Kind.OBJECTS, f"{folder}/{model}/") for folder in FOLDERS),
        *((Kind.OBJECTS, f"{folder}/model={model}/") for folder in METRICS),
        (Kind.OBJECTS, f"{PACKAGES}/{model}/"),
        (Kind.RELEASES, f"{RELEASES}/{model}/"),
        (Kind.DATASET, f"{DATASET}/{model}/"),
    ]


def belongs(prefix: str) -> Callable[[str], bool]:
    """Which keys below a place are the model's.

    >>> belongs("packages/base/")("packages/base/7/0a1b.zip"), belongs("packages/base/")(
    ...     "packages/base/0a1b.zip")
    (True, False)
    """
    if not prefix.startswith(f"{PACKAGES}/"):
        return lambda _key: True
    return lambda key: re.match(r"\d+/", key[len(prefix) :]) is not None
