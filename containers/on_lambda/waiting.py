"""`python -m on_lambda.waiting STEP`: the process of a step, begun before there is work for it.

It imports what the step needs, then reads its order from standard input: its environment, as JSON.
From there on everything is as with `python -m STEP`. The end of the input without an order means
that no work came.
"""

import ctypes
import json
import os
import runpy
import signal
import sys
import tempfile
from collections.abc import Callable
from typing import NoReturn

from on_lambda.preload import preload

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Import, wait, and become the step."""
    step = sys.argv[1]
    end_with_parent()
    # Where hypothesis is installed, pandera loads it to draw examples, which a step never does.
    sys.modules["hypothesis"] = None  # type: ignore[assignment]
    preload(step)
    order = sys.stdin.buffer.read()
    if not order:
        return
    os.environ.clear()
    os.environ.update(json.loads(order)["environment"])
    tempfile.tempdir = None
    sys.argv = [step]
    end(status_of(lambda: runpy.run_module(step, run_name="__main__", alter_sys=True)))


def status_of(work: Callable[[], object]) -> int:
    """The exit status of a program, as Python itself would give it."""
    try:
        work()
    except SystemExit as left:
        if left.code is None or isinstance(left.code, int):
            return left.code or 0
        print(left.code, file=sys.stderr)
        return 1
    except BaseException:
        import traceback

        traceback.print_exc()
        return 1
    return 0


def end(status: int) -> NoReturn:
    """End at once: taking the libraries apart needs a fifth of a second and frees nothing."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def end_with_parent() -> None:
    """Ask Linux to kill this process when the function's own process ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
