"""Train a model on training and validation rows. Pure: no files, no clock, no environment."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from contract.artifact import Artifact
from contract.encoding import Encoding
from contract.metrics import Floats, Scored, measure
from contract.native_model import native_model
from contract.plan import Plan
from contract.step import StepError
from train.learner import Fitted, Learner, Rows, TrainingInputs, fit
from train.onnx_model import onnx_model


@dataclass(frozen=True)
class Trained:
    """The model, its rounds and its metrics on the validation rows (None: undefined)."""

    artifact: Artifact
    fitted: Fitted
    validation: dict[str, float | None]


def train(plan: Plan, training: pl.DataFrame, validation: pl.DataFrame) -> Trained:
    """Train as the plan says. The same rows in the same order give the same artifact."""
    _check(plan, training, validation)
    encoding = Encoding.learn(training, plan)
    inputs = TrainingInputs(
        task=plan.task,
        classes=len(encoding.classes or ()),
        categorical=tuple(
            at for at, feature in enumerate(encoding.features) if feature.kind == "categorical"
        ),
        trainer=plan.trainer,
        train=_rows(encoding, training, "training"),
        validation=_rows(encoding, validation, "validation"),
    )
    learner = _learner(inputs)
    fitted = fit(learner, plan.trainer.rounds, plan.trainer.early_stopping_rounds)
    native = learner.native(fitted.best)
    numbers = [feature.numbers for feature in encoding.features]
    onnx = onnx_model(learner.ensemble(native), numbers)
    scores = native_model(plan.trainer.library, native).scores(inputs.validation.matrix)
    threshold = best_threshold(inputs.validation.labels, scores) if plan.task == "binary" else None
    scored = Scored(plan.task, inputs.validation.labels, scores, threshold or 0.5)
    return Trained(
        artifact=Artifact(native, onnx, encoding, _description(plan, encoding, fitted, threshold)),
        fitted=fitted,
        validation={name: _finite(measure(name, scored)) for name in plan.metrics},
    )


def best_threshold(labels: Floats, scores: Floats) -> float:
    """The threshold with the highest F1; 0.5 without positives.

    F1, because the costs of a missed and of a false positive are unknown, and because 0.5 finds
    almost nothing where positives are rare. Among equals the highest is taken. It lies half way to
    the next lower score, so a last digit cannot change a decision.

    >>> best_threshold(np.array([0.0, 0.0, 1.0]), np.array([0.1, 0.2, 0.4]))
    0.3
    """
    positives = labels.sum()
    if not positives:
        return 0.5
    order = np.argsort(-scores, kind="stable")
    descending = scores[order]
    found = np.cumsum(labels[order])
    called = np.arange(1, len(scores) + 1)
    f1 = 2 * found / (called + positives)
    # Rows with equal scores are positive together or not at all.
    f1[:-1][descending[:-1] == descending[1:]] = -1
    best = int(np.argmax(f1))
    below = descending[best + 1] if best + 1 < len(scores) else 0.0
    middle = float((descending[best] + below) / 2)
    rounded = round(middle, 6)
    return rounded if below < rounded <= descending[best] else middle


def _check(plan: Plan, training: pl.DataFrame, validation: pl.DataFrame) -> None:
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


def _rows(encoding: Encoding, frame: pl.DataFrame, where: str) -> Rows:
    return Rows(encoding.matrix(frame), encoding.labels(frame, where))


def _learner(inputs: TrainingInputs) -> Learner:
    # Imports only the library that is used.
    if inputs.trainer.library == "xgboost":
        from train.xgboost_learner import XGBoost

        return XGBoost(inputs)
    from train.lightgbm_learner import LightGBM

    return LightGBM(inputs)


def _description(
    plan: Plan, encoding: Encoding, fitted: Fitted, threshold: float | None
) -> dict[str, Any]:
    """model.json. It has no run and no time: the same fingerprint gives the same bytes."""
    return {
        "format": 1,
        "library": plan.trainer.library,
        "versions": {"kanmon": 1, plan.trainer.library: _version(plan.trainer.library)},
        "task": plan.task,
        "target": plan.target,
        "classes": None if encoding.classes is None else list(encoding.classes),
        "best_iteration": fitted.best,
        "threshold": threshold,
    }


def _version(library: str) -> str:
    from importlib.metadata import version

    return version("xgboost-cpu" if library == "xgboost" else library)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
