"""What a model of an own train step must be: an ONNX graph that every scorer can run.

Input `features`: float32 [rows, features], as contract.encoding makes it. Output `scores`: float32
[rows, 1], for multiclass [rows, classes]. Train checks it where it is made, Evaluate where it is
judged: an image that is not based on Kanmon's writes the model without Kanmon's Train.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from contract.step import StepError, shorten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from contract.encoding import Encoding
    from contract.plan import Plan, Task

OWN = "own"
# A function of Lambda has 250 MB for the scorer's libraries, about 100 MB, and the model.
MOST_MB = 120
_FLOAT = "tensor(float)"
_MOST_WORDS = 300
# Of probabilities computed in 32 bits.
_ROUNDING = 1e-3


def check_encoding(plan: Plan, encoding: Encoding) -> None:
    """Raise StepError unless encoding.json is of the run's definition; features in any order."""
    binary = plan.task == "binary"
    fits = {
        "task": encoding.task == plan.task,
        "target": encoding.target == plan.target,
        "positive": encoding.positive == (plan.positive if binary else None),
        "features": sorted((each.name, each.kind) for each in encoding.features)
        == sorted((each.name, each.kind) for each in plan.features),
    }
    for key, same in fits.items():
        if not same:
            raise StepError(
                f"encoding.json has other '{key}' than the run's definition; write what run.json "
                "has"
            )


def check_model(content: bytes, features: int, outputs: int) -> None:
    """Raise StepError unless every scorer can load the model and feed it."""
    if len(content) > MOST_MB * 1_000_000:
        raise StepError(
            f"model.onnx has {len(content) / 1e6:.0f} MB, more than {MOST_MB}; train a smaller "
            "model, or keep its weights in fewer bits"
        )
    session = _session(content)
    given, made = session.get_inputs(), {each.name: each for each in session.get_outputs()}
    if [_form(each) for each in given] != [("features", _FLOAT, features)]:
        raise StepError(
            f"model.onnx takes {_told(given)} and must take one input, features float32 "
            f"[rows, {features}]; name and shape it so when you export it"
        )
    if "scores" not in made or _form(made["scores"]) != ("scores", _FLOAT, outputs):
        raise StepError(
            f"model.onnx gives {_told(list(made.values()))} and must give scores float32 "
            f"[rows, {outputs}]; name and shape it so when you export it"
        )


def check_scores(task: Task, scores: NDArray[Any]) -> None:
    """Raise StepError for scores of rows that are no predictions of the task."""
    lost = int((~np.isfinite(scores)).any(axis=1).sum())
    if lost:
        raise StepError(
            f"model.onnx scores {lost:,} of {len(scores):,} validation rows with no finite number; "
            "fill in missing values (NaN) in the graph"
        )
    if task == "regression" or not len(scores):
        return
    sums = scores.sum(axis=1) if task == "multiclass" else np.ones(len(scores))
    if scores.min() < 0 or scores.max() > 1 or np.abs(sums - 1).max() > _ROUNDING:
        raise StepError(
            "model.onnx gives scores that are no probabilities; end the graph with a sigmoid, or "
            "for several classes with a softmax"
        )


def _session(content: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # the reason is in the error
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class for each kind of failure
        reason = shorten(str(error).rpartition("] : ")[2], _MOST_WORDS)
        raise StepError(
            f"model.onnx cannot be loaded by ONNX Runtime {onnxruntime.__version__} ({reason}); "
            "export it in one file, with the standard operators of an opset that it knows"
        ) from None


def _form(value: Any) -> tuple[str, str, Any]:
    """Name, type and width; the width of a value that is not two-dimensional is None."""
    width = value.shape[1] if len(value.shape) == 2 else None
    return value.name, value.type, width


def _told(values: list[Any]) -> str:
    told = [
        f"{value.name} {value.type} [{', '.join(str(each) for each in value.shape)}]"
        for value in values
    ]
    return ", ".join(told) or "nothing"
