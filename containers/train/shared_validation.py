"""The validation rows as several hosts share them: each measures and scores its own.

The first host puts together what the hosts find, and tells them the metric of each round, so that
all stop after the same one. The area under a curve is no mean over rows: where early stopping
watches one, the first host has all validation rows and the others have none.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from contract.encoding import Encoding
from contract.metrics import Floats
from contract.plan import Plan
from train.learner import Rows
from train.model import scorer, weighed
from train.peers import Peers
from train.shared_rows import SharedRows

# A metric as LightGBM says it: name, value, whether higher is better.
Metric = tuple[str, float, bool]

_OF_ALL_ROWS = ("auc", "average_precision")


@dataclass
class SharedValidation:
    """The rows of this host, of `hosts` that have some; `labels` are those of all rows."""

    plan: Plan
    folder: Path
    labels: Floats
    peers: Peers
    rows: Rows | None = field(default=None, init=False)

    @property
    def hosts(self) -> int:
        """How many hosts have validation rows: all, or the first alone."""
        hosts = len(self.peers.cluster.names)
        alone = self.plan.trainer.early_stopping_metric in _OF_ALL_ROWS
        return 1 if alone or len(self.labels) < hosts else hosts

    def read(self, encoding: Encoding, weights: Floats | None) -> None:
        """Read this host's rows."""
        index = self.peers.cluster.index
        if index < self.hosts:
            part = SharedRows(self.folder, index, self.hosts)
            self.rows = weighed(Rows(part.read(encoding), self.labels[part.mine]), weights)

    def metric(self, own: Metric | None) -> Metric:
        """The metric of all rows, from that of this host's."""
        weight = 0.0 if self.rows is None else _weight_of(self.rows)
        found = self.peers.collected([own, weight])
        if found is None:
            name, value, higher = self.peers.told()
            return name, value, higher
        whole = metric_of_all([(metric, weight) for metric, weight in found[: self.hosts]])
        self.peers.tell(whole)
        return whole

    def scores(self, native: bytes) -> Floats:
        """What a model's file scores all rows. Only the first host has more than its own."""
        own = None if self.rows is None else scorer(self.plan, self.rows.matrix)(native)
        found = self.peers.collected(None if own is None else _packed(own))
        if found is None or own is None:
            return np.empty(0)
        scores = np.empty((len(self.labels), *own.shape[1:]))
        for host, part in enumerate(found[: self.hosts]):
            of_host = scores[host :: self.hosts]
            of_host[:] = np.frombuffer(base64.b64decode(part)).reshape(of_host.shape)
        return scores


def metric_of_all(found: Sequence[tuple[Any, float]]) -> Metric:
    """The metric of rows that are in several groups, from each group's and its weight.

    >>> metric_of_all([(("l1", 1.0, False), 3.0), (("l1", 2.0, False), 1.0)])
    ('l1', 1.25, False)
    >>> metric_of_all([(("rmse", 3.0, False), 1.0), (("rmse", 5.0, False), 1.0)])
    ('rmse', 4.123105625617661, False)
    """
    name, value, higher = found[0][0]
    if len(found) == 1:
        return name, value, higher
    values = [metric[1] for metric, _ in found]
    # LightGBM's metrics are means over rows, one of them with a root.
    means = [value * value for value in values] if name == "rmse" else values
    total = sum(weight for _, weight in found)
    mean = sum(mean * weight for mean, (_, weight) in zip(means, found, strict=True)) / total
    return name, math.sqrt(mean) if name == "rmse" else mean, higher


def _weight_of(rows: Rows) -> float:
    weights = rows.weights
    return float(len(rows.labels) if weights is None else weights.sum(dtype=np.float64))


def _packed(scores: Floats) -> str:
    return base64.b64encode(scores.astype(np.float64).tobytes()).decode()
