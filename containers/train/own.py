"""Train with `fit` of the model's own train.py, which returns a model as ONNX.

Kanmon does the rest, as for its own libraries: the rows are encoded as everything that scores will
encode them, and threshold, checks and artifact are the same.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from contract.encoding import Encoding
from contract.features import Features, folder_sha256
from contract.onnx_model import OnnxModel
from contract.onnx_scoring import TOLERANCE, parity
from contract.own_model import check_model, check_scores
from contract.plan import Plan, Task, Trainer
from contract.step import StepError, shorten
from train.learner import Rows
from train.model import Trained, check, packed, rows_of, weighed
from train.weights import class_weights

FILE, FUNCTION, MODULE = "train.py", "fit", "own_train"
_MOST_WORDS = 300


@dataclass(frozen=True)
class Data:
    """What `fit` gets. A matrix is float32 [rows, features], labels are float64 [rows].

    Of a categorical feature the matrix has category numbers: 0 to `categories[name]` less one. A
    missing number is NaN. Labels are numbers; for classifiers the positions in `classes`, of which
    a binary model has (negative, positive). Weights are None unless classes are weighted.
    `base` is the file that trainer.base names.
    """

    task: Task
    features: tuple[str, ...]
    categories: dict[str, int]
    classes: tuple[str, ...]
    trainer: Trainer
    training: Rows
    validation: Rows
    base: Path | None = None

    @property
    def outputs(self) -> int:
        """How many columns `scores` has: 1, or of several classes one for each."""
        return len(self.classes) if self.task == "multiclass" else 1


Predict = Callable[[NDArray[np.float32]], Any]


def read_program(plan: Plan, folder: Path) -> bytes:
    """train.py of the run's definition. Raises StepError unless it is the published one."""
    file = folder / FILE
    if not file.is_file():
        raise StepError(
            f"{FILE}: missing, and Kanmon's Train calls it; write it beside model.yaml, or where "
            "the model's image trains in its own way use `kanmon up --docker`"
        )
    expected = plan.definition_sha256
    if expected is not None and folder_sha256(folder) != expected:
        raise StepError(
            f"{FILE}: not the published file (the folder's sha256 is not {expected}); publish the "
            "model again"
        )
    return file.read_bytes()


def read_base(plan: Plan, folder: Path) -> Path | None:
    """The file that trainer.base names. Raises StepError unless it has the digest written there."""
    base = plan.trainer.base
    if base is None:
        return None
    file = folder / base.file
    if not file.is_file():
        raise StepError(f"{base.file}: missing, but trainer.base names it; start a new run")
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != base.sha256:
        raise StepError(
            f"{base.file}: its sha256 is {found}, but trainer.base has {base.sha256}; upload the "
            "file that it names, or correct it in model.yaml"
        )
    return file


def train_own(
    plan: Plan,
    training: pl.DataFrame,
    validation: pl.DataFrame,
    program: bytes,
    code: Features | None = None,
    base: Path | None = None,
) -> Trained:
    """Train as train.py says, and check that the model is one that Kanmon can judge and serve."""
    check(plan, training.select(plan.target), validation)
    encoding = Encoding.learn(training, plan)
    rows = rows_of(encoding, training, "training")
    weights = class_weights(plan, encoding, rows.labels)
    held_out = rows_of(encoding, validation, "validation")
    data = Data(
        task=plan.task,
        features=encoding.names,
        categories={
            each.name: each.numbers for each in encoding.features if each.kind == "categorical"
        },
        classes=encoding.classes or (),
        trainer=plan.trainer,
        training=weighed(rows, weights),
        validation=weighed(held_out, weights),
        base=base,
    )
    onnx, predict = fitted(program, data)
    check_model(onnx, len(data.features), data.outputs)
    scores = OnnxModel(onnx).scores(held_out.matrix)
    check_scores(plan.task, scores)
    if predict is not None:
        check_predictions(plan.task, predict, held_out.matrix, scores)
    single = scores if plan.task == "multiclass" else scores[:, 0]
    return packed(plan, encoding, (onnx, onnx), held_out.labels, single.astype(np.float64), code)


def fitted(program: bytes, data: Data) -> tuple[bytes, Predict | None]:
    """Run train.py; the model that `fit` returns, and its framework's own predictions if given."""
    module = ModuleType(MODULE)
    sys.modules[MODULE] = module  # some libraries look a class up by its module's name
    try:
        exec(compile(program, FILE, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
        answer = module.__dict__[FUNCTION](data)
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        raise StepError(failure(error)) from error
    model, predict = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
    content = model.SerializeToString() if hasattr(model, "SerializeToString") else model
    if not isinstance(content, bytes):
        raise StepError(
            f"{FILE}: {FUNCTION} returned a {type(model).__name__}, not a model as ONNX; return an "
            "onnx ModelProto or its bytes"
        )
    return content, predict


def check_predictions(
    task: Task, predict: Predict, matrix: NDArray[np.float32], scores: NDArray[np.float32]
) -> None:
    """Raise StepError where the ONNX form scores other than the framework's own model."""
    try:
        own = np.asarray(predict(matrix), np.float64).reshape(scores.shape)
    except Exception as error:
        raise StepError(failure(error)) from error
    found = parity(task, scores.astype(np.float64), own)
    if found.mismatches:
        raise StepError(
            f"model.onnx scores {found.mismatches:,} of {found.rows:,} validation rows otherwise "
            f"than {FILE} predicts (by more than {TOLERANCE:g}); correct its export"
        )


def failure(error: BaseException) -> str:
    """An error of train.py as one line: where in the file, and the error's first line."""
    places = [each for each in traceback.extract_tb(error.__traceback__) if each.filename == FILE]
    line = f" line {places[-1].lineno}" if places else ""
    words = next((each.strip() for each in str(error).splitlines() if each.strip()), "")
    told = shorten(f"{type(error).__name__}: {words}", _MOST_WORDS)
    if isinstance(error, ImportError):
        return (
            f"{FILE}{line}: {told}; install it in train/Dockerfile, and use `kanmon up --docker` "
            "or install it beside Kanmon too on a local stage"
        )
    return f"{FILE}{line}: {told}; correct {FILE}"
