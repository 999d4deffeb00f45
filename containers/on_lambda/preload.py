"""What each step imports by the time it works, so that its process can begin before its work."""

import importlib
from functools import partial

_S3 = ("botocore.session", "contract.aws:describe_s3")
# After the colon is a function to call: contract.libraries imports in its own way.
MODULES = {
    "preprocess": ("preprocess.pipeline", "reading.source", *_S3),
    "train": (
        *("contract.rows", "train.model", "train.lightgbm_learner"),
        *("contract.libraries:lightgbm", "onnx"),
    ),
    "evaluate": (
        *("contract.rows", "evaluate.evaluation", "evaluate.model_quality"),
        *("contract.libraries:lightgbm", "onnxruntime"),
    ),
    "score": (
        *("score.pipeline", "score.heads", "onnx", "onnxruntime"),
        *_S3,
    ),
    "monitor": (
        *("monitor.report", "monitor.compacting", "monitor.batches"),
        *("onnxruntime", *_S3),
    ),
}


def preload(step: str) -> None:
    """Import a step's modules."""
    for name in ("contract.step", *MODULES[step]):
        module, _, function = name.partition(":")
        found = importlib.import_module(module)
        if function:
            getattr(found, function)()


# By the step's name: what the local stage calls (localaws.toml).
preprocess = partial(preload, "preprocess")
train = partial(preload, "train")
evaluate = partial(preload, "evaluate")
score = partial(preload, "score")
monitor = partial(preload, "monitor")
