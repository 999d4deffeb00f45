"""Train on several hosts with LightGBM's own distributed learner.

Each host sums up its own rows in histograms, and the hosts add these up. What LightGBM by itself
would take from each host's own rows is here the same on all hosts and as on one: the encoding, and
the bins of the features, which come from a sample of all rows. So the model is the one that a
single host would train, up to rounding, unless the trainer samples rows (bagging, goss).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from contract.encoding import Encoding
from contract.features import Features
from contract.libraries import lightgbm
from contract.plan import Plan, Trainer
from contract.step import StepError
from train.cluster import PORT
from train.learner import Rows, TrainingInputs, fit
from train.lightgbm_learner import LightGBM
from train.model import Trained, check, finished, rows_of, training_inputs, weighed
from train.peers import Peers
from train.shared_rows import SharedRows
from train.weights import class_weights

_ADDRESSES = re.compile(r"\[(machines|local_listen_port): [^\]]*\]")
_MOST_ROWS = 2**31 - 1
_OF_THE_NETWORK = ("ocket", "onnect", "bind", "machine", "etwork")


def train_on_hosts(
    plan: Plan,
    training: Path,
    validation: Callable[[], pl.DataFrame],
    code: Features | None,
    peers: Peers,
) -> Trained | None:
    """Train with the other hosts. Only the first host reads validation rows and has the result."""
    cluster = peers.cluster
    shared = SharedRows(training, cluster.index, len(cluster.names))
    targets = shared.targets(plan)
    measured = validation() if cluster.leads else None
    check(plan, targets, measured)
    encoding = shared.encoding(plan)
    labels = encoding.labels(targets, "training")
    sampled = sample_of(plan.trainer, len(labels))
    rows, sample = shared.read(encoding, len(labels), sampled)
    weights = class_weights(plan, encoding, labels)
    checked = None if measured is None else _validation(encoding, measured, weights)
    inputs = training_inputs(plan, encoding, weighed(rows, weights), checked)
    learner = SharedLightGBM(inputs, sample, peers)
    print(
        f"training on {len(cluster.names)} hosts, {len(rows.labels):,} rows on this one", flush=True
    )
    fitted = fit(learner, plan.trainer.rounds, plan.trainer.early_stopping_rounds)
    learner.free()
    return None if checked is None else finished(plan, encoding, learner, fitted, checked, code)


def _validation(
    encoding: Encoding, frame: pl.DataFrame, weights: NDArray[np.float64] | None
) -> Rows:
    return weighed(rows_of(encoding, frame, "validation"), weights)


def sample_of(trainer: Trainer, count: int) -> NDArray[np.int32]:
    """The rows that a single host's LightGBM would take the bins from, sorted."""
    settings = {**trainer.parameters, "seed": trainer.seed, "verbosity": -1}
    dataset = lightgbm().Dataset(None, params=settings)
    found = dataset._create_sample_indices(total_nrow=min(count, _MOST_ROWS))
    return np.sort(np.asarray(found, dtype=np.int32))


class SharedLightGBM(LightGBM):
    """LightGBM on one of several hosts."""

    def __init__(self, inputs: TrainingInputs, sample: Rows, peers: Peers) -> None:
        self._sample = sample
        self._peers = peers
        super().__init__(inputs)

    def _network(self) -> dict[str, Any]:
        cluster = self._peers.cluster
        return {
            "machines": cluster.machines,
            "local_listen_port": cluster.port,
            "num_machines": len(cluster.names),
            "tree_learner": "data",
            "pre_partition": True,
            # A feature that is rare in the sample need not be rare in all rows.
            "feature_pre_filter": False,
        }

    def _training_set(self, inputs: TrainingInputs, settings: dict[str, Any]) -> Any:
        alone = {name: settings[name] for name in settings if name not in self._network()}
        bins = self._dataset(self._sample, inputs, {**alone, "feature_pre_filter": False})
        train = self._dataset(inputs.train, inputs, settings, bins.construct())
        return train.construct()

    def _evaluation(self) -> tuple[str, float, bool]:
        if self._peers.cluster.leads:
            found = super()._evaluation()
            self._peers.tell(found)
            return found
        name, value, higher = self._peers.told()
        return name, value, higher

    def _refusal(self, error: Exception) -> StepError:
        if any(word in str(error) for word in _OF_THE_NETWORK):
            self._peers.await_word()
            return StepError(
                f"the hosts of the job cannot reach each other ({error}); start a new run"
            )
        return super()._refusal(error)

    def free(self) -> None:
        """End the connections to the other hosts."""
        self._booster.free_network()

    def native(self, rounds: int) -> bytes:
        text = super().native(rounds).decode()
        return _ADDRESSES.sub(_without_address, text).encode()


def _without_address(found: re.Match[str]) -> str:
    return f"[{found[1]}: {PORT if found[1] == 'local_listen_port' else ''}]"
