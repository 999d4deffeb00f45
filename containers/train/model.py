"""Train a model on training and validation rows. Pure: no files, no clock, no environment."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from contract.artifact import Artifact
from contract.encoding import Encoding
from contract.features import Features
from contract.metrics import Floats, Scored, measure
from contract.native_model import native_model
from contract.own_model import OWN
from contract.plan import Plan, Scalar
from contract.step import StepError
from train.learner import Fitted, Learner, Rows, TrainingInputs, fit
from train.onnx_model import onnx_model
from train.threshold import threshold_of
from train.weights import class_weights, row_weights


@dataclass(frozen=True)
class Trained:
    """The model, its rounds and its metrics on the validation rows (None: undefined). Kanmon
    knows no rounds of an own train step."""

    artifact: Artifact
    fitted: Fitted | None
    validation: dict[str, float | None]


def train(
    plan: Plan, training: pl.DataFrame, validation: pl.DataFrame, code: Features | None = None
) -> Trained:
    """Train as the plan says. The same rows in the same order give the same artifact.

    With features.py, the rows have its features already; `code` goes into the artifact.
    """
    return Prepared.of(plan, training, validation).trained(code)


@dataclass(frozen=True)
class Prepared:
    """Rows that are ready to learn from; of them any number of models can be trained."""

    plan: Plan
    encoding: Encoding
    rows: Rows
    measured: Rows

    @classmethod
    def of(cls, plan: Plan, training: pl.DataFrame, validation: pl.DataFrame) -> "Prepared":
        check(plan, training.select(plan.target), validation)
        encoding = Encoding.learn(training, plan)
        rows = rows_of(encoding, training, "training")
        weights = class_weights(plan, encoding, rows.labels)
        measured = weighed(rows_of(encoding, validation, "validation"), weights)
        return cls(plan, encoding, weighed(rows, weights), measured)

    def with_parameters(self, parameters: Mapping[str, Scalar]) -> "Prepared":
        """The same rows for a trainer with these parameters."""
        trainer = replace(self.plan.trainer, parameters=parameters)
        return replace(self, plan=replace(self.plan, trainer=trainer))

    def fit(self) -> tuple[Learner, Fitted]:
        """The rounds of the trainer."""
        trainer = self.plan.trainer
        inputs = training_inputs(self.plan, self.encoding, self.rows, self.measured)
        learner = _learner(inputs)
        return learner, fit(learner, trainer.rounds, trainer.early_stopping_rounds)

    def trained(self, code: Features | None = None) -> Trained:
        """The model, and what it is worth."""
        learner, fitted = self.fit()
        scored = scorer(self.plan, self.measured.matrix)
        labels = self.measured.labels
        return finished(self.plan, self.encoding, learner, fitted, labels, scored, code)


def training_inputs(
    plan: Plan, encoding: Encoding, rows: Rows, validation: Rows | None
) -> TrainingInputs:
    """What a library needs to train on these rows."""
    return TrainingInputs(
        task=plan.task,
        classes=len(encoding.classes or ()),
        categorical=tuple(
            at for at, feature in enumerate(encoding.features) if feature.kind == "categorical"
        ),
        trainer=plan.trainer,
        train=rows,
        validation=validation,
    )


def finished(
    plan: Plan,
    encoding: Encoding,
    learner: Learner,
    fitted: Fitted,
    labels: Floats,
    scored: Callable[[bytes], Floats],
    code: Features | None,
) -> Trained:
    """The artifact of the best rounds, with its metrics on the validation rows: their labels, and
    what a model's file scores them."""
    native = learner.native(fitted.best)
    numbers = [feature.numbers for feature in encoding.features]
    onnx = onnx_model(learner.ensemble(native), numbers)
    scores = scored(native)
    return packed(plan, encoding, (native, onnx), labels, scores, code, fitted)


def packed(
    plan: Plan,
    encoding: Encoding,
    forms: tuple[bytes, bytes],
    labels: Floats,
    scores: Floats,
    code: Features | None,
    fitted: Fitted | None = None,
) -> Trained:
    """The artifact of a model in its two forms, the library's own and ONNX, with its metrics on
    the validation rows: their labels and scores."""
    native, onnx = forms
    threshold, measured = judged(plan, labels, scores)
    return Trained(
        artifact=Artifact(
            native, onnx, encoding, _description(plan, encoding, fitted, threshold), code
        ),
        fitted=fitted,
        validation={name: _finite(measure(name, measured)) for name in plan.metrics},
    )


def judged(plan: Plan, labels: Floats, scores: Floats) -> tuple[float | None, Scored]:
    """The threshold for these scores of the validation rows, and the scores with it."""
    threshold = threshold_of(plan, labels, scores)
    decided = 0.5 if threshold is None else threshold
    return threshold, Scored(plan.task, labels, scores, decided, plan.costs)


def scorer(plan: Plan, matrix: NDArray[np.float32]) -> Callable[[bytes], Floats]:
    """What a model's file, in its library, scores these rows."""
    return lambda native: native_model(plan.trainer.library, native).scores(matrix)


def check(plan: Plan, training: pl.DataFrame, validation: pl.DataFrame) -> None:
    """Raise StepError for rows that nothing can be learned from."""
    for name, frame in (("training", training), ("validation", validation)):
        if not frame.height:
            raise StepError(
                f"there are no {name} rows; add data or raise that part's share in 'split'"
            )
    target = training.get_column(plan.target)
    if plan.task == "regression" and target.n_unique() < 2:
        raise StepError(
            f"target '{plan.target}' is {target[0]} in every training row, so there is nothing to "
            "learn; correct the data or choose another target column"
        )


def rows_of(encoding: Encoding, frame: pl.DataFrame, where: str) -> Rows:
    """The rows encoded; `where` names them in messages."""
    return Rows(encoding.matrix(frame), encoding.labels(frame, where))


def weighed(rows: Rows, weights: Floats | None) -> Rows:
    """The rows with the weights of their classes."""
    return replace(rows, weights=row_weights(weights, rows.labels))


def _learner(inputs: TrainingInputs) -> Learner:
    # Imports only the library that is used.
    if inputs.trainer.library == "xgboost":
        from train.xgboost_learner import XGBoost

        return XGBoost(inputs)
    from train.lightgbm_learner import LightGBM

    return LightGBM(inputs)


def _description(
    plan: Plan, encoding: Encoding, fitted: Fitted | None, threshold: float | None
) -> dict[str, Any]:
    """model.json. It has no run and no time: the same fingerprint gives the same bytes."""
    return {
        "format": 1,
        "library": plan.trainer.library,
        "versions": {"kanmon": 1, **_version(plan.trainer.library)},
        "task": plan.task,
        "target": plan.target,
        "classes": None if encoding.classes is None else list(encoding.classes),
        "best_iteration": None if fitted is None else fitted.best,
        "threshold": threshold,
    }


def _version(library: str) -> dict[str, str]:
    """Of an own train step the image says which libraries it has."""
    from importlib.metadata import version

    if library == OWN:
        return {}
    return {library: version("xgboost-cpu" if library == "xgboost" else library)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
