"""What the trainer needs of a library, and the loop that drives either one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.native import threads
from contract.plan import Scalar, Task, Trainer
from contract.step import StepError
from train.ensemble import Ensemble


@dataclass(frozen=True)
class Rows:
    """Encoded rows: float32 [rows, features] and float64 labels [rows]."""

    matrix: NDArray[np.float32]
    labels: NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """What is to be learned. `classes` is 0 for regression."""

    task: Task
    classes: int
    primary: str
    trainer: Trainer
    train: Rows
    validation: Rows

    @property
    def threads(self) -> int:
        """How many to use; the model does not depend on it, only the time does."""
        return threads(self.train.matrix)


class Learner(Protocol):
    """One library at work on one problem."""

    @property
    def metric(self) -> str:
        """The library's name for what is watched on the validation rows."""

    @property
    def higher_is_better(self) -> bool:
        """Which way that metric improves."""

    def round(self) -> float | None:
        """Add one round; the metric on the validation rows, or None when nothing is left to do."""

    def native(self, rounds: int) -> bytes:
        """Give the first rounds as the library's own file, byte for byte reproducible."""

    def ensemble(self, native: bytes) -> Ensemble:
        """Read that file into our own form; StepError for a model ONNX cannot hold."""


@dataclass(frozen=True)
class Fitted:
    """How the rounds went. `history` is the metric after each; `best` counts rounds, from 1."""

    metric: str
    history: tuple[float, ...]
    best: int


def fit(learner: Learner, rounds: int, patience: int) -> Fitted:
    """Add rounds until `rounds`, or until `patience` rounds brought nothing better (0: never)."""
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
    """Word a library's own complaint, which may run over many lines, as one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # XGBoost begins with a time and a source position, and ends with a C++ stack.
    said = next((line for line in lines if not line.startswith("Stack trace")), "no reason given")
    said = said.rpartition("] ")[2] if said.startswith("[") else said
    said = said.rpartition(".cc:")[2].partition(": ")[2] or said if ".cc:" in said else said
    said = said.partition(" at /")[0]  # LightGBM adds a path of the machine that built it
    return StepError(
        f"trainer.parameters: {library} refuses to train with these parameters on this data: "
        f"{said}; correct them where they were set: in model.yaml, or with --set"
    )
