"""A step's process that was begun before its job: it imports what the step needs, then waits.

`python ahead.py STEP PIPE` is run in the folder of the steps' code. The pipe gives the job's order,
as the launcher got it; its end without an order means that no job came. From there on everything is
as with `python -m STEP`: environment, folder, arguments, log. Nothing of the job is known before.

Of Kanmon it imports nothing; the step's folder has to look like the root of all there is.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# What each step imports by the time it works; one that is missing only makes the step slower.
# After a colon, a function to call: contract.libraries imports in its own way.
MODULES = {
    "preprocess": ("contract.step", "preprocess.pipeline", "preprocess.source", "botocore.session"),
    "train": (
        "contract.step",
        "contract.rows",
        "train.model",
        "train.lightgbm_learner",
        "contract.libraries:lightgbm",
        "onnx",
    ),
    "evaluate": (
        "contract.step",
        "contract.rows",
        "evaluate.evaluation",
        "evaluate.model_quality",
        "contract.libraries:lightgbm",
        "onnxruntime",
    ),
}
# A step that is started by itself keeps it out, too: see preprocess/__main__.py.
HIDDEN = "hypothesis"


def main() -> None:
    """Import, wait, and become the job."""
    step, pipe = sys.argv[1], int(sys.argv[2])
    sys.path[0] = str(Path.cwd())  # as -m would have it, in place of this file's folder
    with one_heap(), hidden(HIDDEN):
        for name in MODULES.get(step, ()):
            with contextlib.suppress(ImportError):
                load(name)
    with open(pipe, "rb") as orders:
        order = orders.read()
    if not order:
        os._exit(0)
    os.waitpid(-1, 0)  # who handed the order on
    become(json.loads(order), step)
    runpy.run_module(step, run_name="__main__", alter_sys=True)


def load(name: str) -> None:
    """Import a module, or call the function named after the colon."""
    module, _, function = name.partition(":")
    found = importlib.import_module(module)
    if function:
        getattr(found, function)()


@contextlib.contextmanager
def one_heap() -> Iterator[None]:
    """What is imported stays: collecting garbage meanwhile, or walking it later, takes time."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


@contextlib.contextmanager
def hidden(name: str) -> Iterator[None]:
    """Make importing a package fail; None in sys.modules is Python's own way to say so."""
    sys.modules[name] = None  # type: ignore[assignment]
    yield
    del sys.modules[name]


def become(order: dict[str, Any], step: str) -> None:
    """Be as a process that was started for this job."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(log, number)
    os.close(log)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    tempfile.tempdir = None
    sys.argv = [step, *order["arguments"]]


if __name__ == "__main__":
    main()
