"""What Train needs from a library, and the training loop for both."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.native_model import threads
from contract.plan import Scalar, Task, Trainer
from contract.step import StepError
from train.ensemble import Ensemble


@dataclass(frozen=True)
class Rows:
    """Encoded rows: float32 [rows, features], float64 labels [rows] and, if they are not all the
    same, float32 weights [rows]."""

    matrix: NDArray[np.float32]
    labels: NDArray[np.float64]
    weights: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class TrainingInputs:
    """Everything a library needs to train. `classes` is 0 for regression; `categorical` are the
    positions of the categorical features. Of several hosts, only the first has validation rows."""

    task: Task
    classes: int
    categorical: tuple[int, ...]
    trainer: Trainer
    train: Rows
    validation: Rows | None

    @property
    def threads(self) -> int:
        """How many threads to use. It changes the time, not the model."""
        return threads(self.train.matrix)


class Learner(Protocol):
    """One library that trains on one set of inputs."""

    @property
    def metric(self) -> str:
        """The library's name for the metric on the validation rows."""

    @property
    def higher_is_better(self) -> bool:
        """In which direction that metric improves."""

    def round(self) -> float | None:
        """Add one round. Returns the validation metric, or None if nothing is left to add."""

    def native(self, rounds: int) -> bytes:
        """Return the first rounds as the library's own file, reproducible byte for byte."""

    def ensemble(self, native: bytes) -> Ensemble:
        """Read the trees of that file. Raises StepError for a model that ONNX cannot express."""


@dataclass(frozen=True)
class Fitted:
    """The result of the rounds. `history` is the metric after each; `best` counts from 1."""

    metric: str
    history: tuple[float, ...]
    best: int


def fit(learner: Learner, rounds: int, patience: int) -> Fitted:
    """Add up to `rounds` rounds; stop after `patience` rounds without a better one (0: never)."""
    history: list[float] = []
    best = 0
    for number in range(rounds):
        value = learner.round()
        if value is None:
            break
        history.append(value)
        if number == best or _better(value, history[best], learner.higher_is_better):
            best = number
        elif patience and number - best >= patience:
            break
    return Fitted(learner.metric, tuple(history), best + 1)


def _better(value: float, than: float, higher: bool) -> bool:
    if math.isnan(than):  # such as the AUC of validation rows of one class
        return not math.isnan(value)
    return value > than if higher else value < than


def check_parameters(
    library: Literal["lightgbm", "xgboost"],
    parameters: Mapping[str, Scalar],
    refused: Mapping[str, str],
) -> None:
    """Raise StepError for a parameter that Kanmon sets itself or that ONNX cannot express."""
    for name in parameters:
        if name in refused:
            raise StepError(f"trainer.parameters.{name}: {library} {refused[name]}")


def refusal(library: str, error: Exception) -> StepError:
    """Turn a library's own error, which may have many lines, into one line.

    Raises MemoryError where the library had too little of it: no parameter is wrong.
    """
    if "bad_alloc" in str(error):
        raise MemoryError from error
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # XGBoost's text begins with a time and a source position, and ends with a C++ stack.
    reason = next((line for line in lines if not line.startswith("Stack trace")), "no reason given")
    reason = reason.rpartition("] ")[2] if reason.startswith("[") else reason
    reason = (
        reason.rpartition(".cc:")[2].partition(": ")[2] or reason if ".cc:" in reason else reason
    )
    reason = reason.partition(" at /")[0]  # LightGBM adds a path of its build machine
    return StepError(
        f"trainer.parameters: {library} cannot train with these parameters on this data: "
        f"{reason}; correct them where they were set: in model.yaml or with --set"
    )
