"""A step's process that was begun before its job: it imports what the step needs, then waits.

`python ahead.py WANTED PIPE` is run in the folder of the steps' code. WANTED names, as JSON, the
step, the modules to import (one that is missing only makes the step slower; after a colon, a
function to call) and the packages to hide meanwhile. The pipe gives the job's order, as the
launcher got it; its end without an order means that no job came. From there on everything is as
with `python -m STEP`: environment, folder, arguments, log. Nothing of the job is known before.

It imports the standard library only: the step's folder has to look like the only import root.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def main() -> None:
    """Import, wait, and become the job."""
    wanted, pipe = json.loads(sys.argv[1]), int(sys.argv[2])
    sys.path[0] = str(Path.cwd())  # as -m would have it, in place of this file's folder
    with one_heap(), hidden(wanted["hidden"]):
        for name in wanted["modules"]:
            with contextlib.suppress(ImportError):
                load(name)
    with open(pipe, "rb") as orders:
        order = orders.read()
    if not order:
        os._exit(0)
    os.waitpid(-1, 0)  # who handed the order on
    become(json.loads(order), wanted["step"])
    runpy.run_module(wanted["step"], run_name="__main__", alter_sys=True)


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
def hidden(names: Iterable[str]) -> Iterator[None]:
    """Make importing some packages fail; None in sys.modules is Python's own way to do so."""
    for name in names:
        sys.modules[name] = None  # type: ignore[assignment]
    yield
    for name in names:
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
