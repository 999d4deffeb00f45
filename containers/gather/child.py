"""`python -m gather.child`: call the function of a model's gather.py, in a process of its own.

It reads {"program", "folder", "secret", "answer"} from its input and writes one JSON document to
the file descriptor `answer`, on a line: {} where the function returned, and otherwise {"problem"}.
"""

import errno
import importlib.util
import json
import os
import sys
import traceback
from pathlib import Path
from types import TracebackType

# A pipe takes more at once, and no message shows more.
LONGEST = 4000


def main() -> None:
    """Take the orders, call the function, answer, and end whatever threads are left."""
    orders = json.load(sys.stdin)
    sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - until the process ends
    problem = called(Path(orders["program"]), Path(orders["folder"]), orders["secret"])
    sys.stdout.flush()
    sys.stderr.flush()
    answer = json.dumps({"problem": problem[:LONGEST]} if problem else {})
    os.write(orders["answer"], f"{answer}\n".encode())
    os._exit(1 if problem else 0)


def called(program: Path, folder: Path, secret: str | None) -> str | None:
    """Call the function; what it raised, in one line with the line of gather.py."""
    try:
        found = importlib.util.spec_from_file_location("gather_of_the_model", program)
        assert found and found.loader  # noqa: S101 - a file that ends in .py has a loader
        module = importlib.util.module_from_spec(found)
        sys.modules[found.name] = module
        found.loader.exec_module(module)
        module.gather(folder, secret)
    except BaseException as error:  # also SystemExit: the function has not returned
        traceback.print_exc()
        at = line_of(error, program)
        where = f"gather.py line {at}" if at else "gather.py"
        return f"{where}: {reason(error)}"
    return None


def reason(error: BaseException) -> str:
    """What the function raised, or what to raise in model.yaml where the machine is too small.

    >>> reason(MemoryError())
    'the memory is full; give it a larger gather.instance_type in model.yaml'
    >>> reason(KeyError("name"))
    "KeyError: 'name'"
    """
    if isinstance(error, MemoryError):
        return "the memory is full; give it a larger gather.instance_type in model.yaml"
    # Polars puts the system's words into errors of its own.
    if getattr(error, "errno", None) == errno.ENOSPC or "No space left on device" in str(error):
        return "the disk is full; raise gather.volume_gb in model.yaml"
    return f"{type(error).__name__}: {error}"


def line_of(error: BaseException, program: Path) -> int | None:
    """The line of the program that the error came from, or went through last."""
    if isinstance(error, SyntaxError) and error.filename == str(program):
        return error.lineno
    found, step = None, error.__traceback__
    while isinstance(step, TracebackType):
        if step.tb_frame.f_code.co_filename == str(program):
            found = step.tb_lineno
        step = step.tb_next
    return found


if __name__ == "__main__":
    main()
