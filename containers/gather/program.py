"""Run a model's gather.py in a process that has a network, the secret's text, and nothing else."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from contract.step import StepError
from gather.masking import Mask

BLOCK = 1 << 16
# Of a process that has answered and does not end, because it left programs at work.
PATIENCE_SECONDS = 10.0
# The end of the answer.
END = b"\n"


def run(program: Path, folder: Path, secret: str | None, show: Callable[[str], None]) -> None:
    """Call its function, which writes files into the folder. Raises StepError with its reason.

    All that it prints goes to `show`, without the secret.
    """
    mask = Mask(secret)
    answers, answer = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-m", "gather.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # The step's own home folder cannot be written to.
        env={**environment(os.environ), "HOME": str(folder.parent)},
        pass_fds=(answer,),
    )
    os.close(answer)
    assert child.stdin and child.stdout  # noqa: S101 - both are pipes
    output = child.stdout.fileno()
    reader = threading.Thread(target=_follow, args=(output, mask, show), daemon=True)
    reader.start()
    try:
        # Through a pipe: no argument and no variable, which others could read, has the secret.
        orders = {"program": str(program), "folder": str(folder), "secret": secret}
        with suppress(BrokenPipeError):  # it has ended: its answer says why, or its code
            child.stdin.write(json.dumps({**orders, "answer": answer}).encode())
            child.stdin.close()
        told = _answer(answers)
        code = child.wait()
        reader.join(PATIENCE_SECONDS)
    finally:
        os.close(answers)
        child.kill()
        child.wait()
    if not told:
        raise StepError(died(code))
    if problem := json.loads(told).get("problem"):
        raise StepError(mask.text(problem))


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """Of the step's variables, what the program needs: no credentials of the job's role.

    >>> environment({"PATH": "/bin", "AWS_SESSION_TOKEN": "t", "KANMON_RUN": "r"})
    {'PATH': '/bin', 'AWS_EC2_METADATA_DISABLED': 'true'}
    """
    kept = {
        name: value
        for name, value in own.items()
        if not name.startswith(("AWS_", "KANMON_")) or name == "AWS_DEFAULT_REGION"
    }
    # Else an SDK without credentials would ask the machine for some.
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true"}


def died(code: int) -> str:
    """Why the process ended without an answer."""
    if code == -signal.SIGKILL:
        return (
            "gather.py was killed, most likely because the memory is full; give it a larger "
            "gather.instance_type in model.yaml"
        )
    if code < 0:
        return f"gather.py was ended by signal {-code}; see its log"
    return "gather.py ended its process before it returned; let the function return instead"


def _follow(output: int, mask: Mask, show: Callable[[str], None]) -> None:
    """Show what comes, until the last program that writes there has ended."""
    while chunk := os.read(output, BLOCK):
        if text := mask.feed(chunk):
            show(text)
    if text := mask.end():
        show(text)


def _answer(source: int) -> bytes:
    """The child's answer; nothing where it ended without one.

    Its end is not waited for: a program that it left at work may hold the pipe open.
    """
    found = b""
    while not found.endswith(END) and (chunk := os.read(source, BLOCK)):
        found += chunk
    return found
