"""Train on several hosts with LightGBM's own distributed learner.

Each host sums up its own rows in histograms, and the hosts add these up. What LightGBM by itself
would take from each host's own rows is here the same on all hosts and as on one: the encoding, and
the bins of the features, which come from a sample of all rows. So the model is the one that a
single host would train, up to rounding, unless the trainer samples rows (bagging, goss).

The validation rows are shared too: each host measures and scores its own, and the first puts that
together. A metric that is no mean over rows needs all of them; then the first host has all.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.features import Features
from contract.libraries import lightgbm
from contract.plan import Plan, Trainer
from contract.step import StepError
from train.cluster import PORT
from train.learner import Rows, TrainingInputs, fit
from train.lightgbm_learner import LightGBM
from train.model import Trained, check, finished, training_inputs, weighed
from train.peers import Peers
from train.shared_rows import SharedRows, targets_of
from train.shared_validation import Metric, SharedValidation
from train.weights import class_weights

_ADDRESSES = re.compile(r"\[(machines|local_listen_port): [^\]]*\]")
_MOST_ROWS = 2**31 - 1
_OF_THE_NETWORK = ("ocket", "onnect", "bind", "machine", "etwork")


def train_on_hosts(
    plan: Plan, training: Path, validation: Path, code: Features | None, peers: Peers
) -> Trained | None:
    """Train with the other hosts. Only the first host has the result."""
    cluster = peers.cluster
    targets, judged = (targets_of(folder, plan) for folder in (training, validation))
    check(plan, targets, judged)
    shared = SharedRows(training, cluster.index, len(cluster.names))
    sampled = sample_of(plan.trainer, targets.height)
    encoding, matrix, sample = shared.learn(plan, targets.height, sampled)
    labels = encoding.labels(targets, "training")
    weights = class_weights(plan, encoding, labels)
    measured = SharedValidation(plan, validation, encoding.labels(judged, "validation"), peers)
    measured.read(encoding, weights)
    rows = weighed(Rows(matrix, labels[shared.mine]), weights)
    inputs = training_inputs(plan, encoding, rows, measured.rows)
    learner = SharedLightGBM(inputs, Rows(sample, labels[sampled]), measured)
    print(
        f"training on {len(cluster.names)} hosts, {len(rows.labels):,} rows on this one", flush=True
    )
    fitted = fit(learner, plan.trainer.rounds, plan.trainer.early_stopping_rounds)
    learner.free()
    if cluster.leads:
        return finished(plan, encoding, learner, fitted, measured.labels, measured.scores, code)
    measured.scores(learner.native(fitted.best))
    return None


def sample_of(trainer: Trainer, count: int) -> NDArray[np.int32]:
    """The rows that a single host's LightGBM would take the bins from, sorted."""
    settings = {**trainer.parameters, "seed": trainer.seed, "verbosity": -1}
    dataset = lightgbm().Dataset(None, params=settings)
    # By itself it would leave out the seed, which that of the sample comes from.
    dataset.get_params = lambda: settings
    found = dataset._create_sample_indices(total_nrow=min(count, _MOST_ROWS))
    return np.sort(np.asarray(found, dtype=np.int32))


class SharedLightGBM(LightGBM):
    """LightGBM on one of several hosts."""

    def __init__(self, inputs: TrainingInputs, sample: Rows, validation: SharedValidation) -> None:
        self._sample = sample
        self._validation = validation
        self._peers = validation.peers
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
        # The booster constructs both, when it has the network: the hosts then share the work of
        # finding bins in the sample.
        bins = self._dataset(self._sample, inputs, settings)
        return self._dataset(inputs.train, inputs, settings, bins)

    def _evaluation(self) -> Metric:
        own = None if self._validation.rows is None else super()._evaluation()
        return self._validation.metric(own)

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
