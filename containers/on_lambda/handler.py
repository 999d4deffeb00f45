"""The function's handler: bring a step's inputs, let it work, store what it leaves.

The step itself is a process of its own, the same program as in a Processing job. So what ends it,
its memory or its time, does not end the function, which can say so.
"""

import ctypes
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.config import Config

from contract import aws
from contract.orphans import adopt_orphans, end_children
from contract.step import OUTGROWN, REFUSED
from on_lambda.limits import Ended, Limits, StepOutgrewError, StepProcess, own_memory_mb
from on_lambda.transfer import deliver, fetch

STEP = os.environ["KANMON_STEP"]
# The image that this function was deployed with, as a Processing job would name it.
IMAGE = os.environ["KANMON_IMAGE"]
DISK_MB = float(os.environ["KANMON_DISK_MB"])
CODE = Path(__file__).parents[1]
# These open S3 themselves, with code from a model's folder in them or not. The others get no
# credentials.
OPEN_S3 = ("preprocess", "score", "monitor")
# Kept of the function's time and memory, to end the step and to answer.
SECONDS_KEPT = 10
SECONDS_TO_ANSWER = 2
MEMORY_KEPT_MB = 32
PR_SET_DUMPABLE = 4


class StepFailedError(Exception):
    """The step's own sentence: its data or definition are wrong, and a job would say the same."""


class StepCrashedError(Exception):
    """The step ended by an error that is not its own sentence: its machine may be why."""


class ImageReplacedError(Exception):
    """The run keeps to another image than the function has by now."""


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Take {image, environment, inputs, attempts, attempt, outputs}; return where results are.

    `inputs` maps the names of the step's folders to S3 URIs; `outputs` maps them to folders of the
    attempt. Every error but StepFailedError means that a job may still do the work.
    """
    global _begun
    if digest(event["image"]) != digest(IMAGE):
        raise ImageReplacedError(f"the function has {IMAGE}, and the run keeps to {event['image']}")
    began = time.monotonic()
    end = began + context.get_remaining_time_in_millis() / 1000
    process, _begun = _begun or _begin(), None
    environment, attempt = event.get("environment") or {}, event["attempt"]
    at = f"{event['attempts']}/{attempt}/{STEP}" if "attempts" in event else None
    base = Path(tempfile.mkdtemp())
    root = base / "processing"
    try:
        fetch(_S3, event.get("inputs") or {}, root / "input")
        ended = process.work(
            {**_environment(base), **environment, "PROCESSING_ROOT": str(root)},
            Limits(_memory_left(context), DISK_MB, end - SECONDS_KEPT),
            base,
            f"{environment.get('KANMON_RUN')}-{attempt}",
        )
        _check(ended, base)
        outputs = event.get("outputs") or {}
        places = {name: f"{at}/{folder}".rstrip("/") for name, folder in outputs.items()}
        stored = deliver(_S3, places, root / "output", end - SECONDS_TO_ANSWER)
    finally:
        process.end()
        end_children()
        _clear_scratch()
    return {
        "step": STEP,
        "at": at,
        "files": stored,
        "seconds": round(time.monotonic() - began, 3),
        "memory_mb": int(context.memory_limit_in_mb),
        "peak_memory_mb": ended.peak_mb + round(own_memory_mb()),
    }


def digest(image: str) -> str:
    """
    >>> digest("123456789012.dkr.ecr.eu-west-1.amazonaws.com/kanmon-dev-steps@sha256:a1b2")
    'sha256:a1b2'
    """
    return image.partition("@")[2]


def _begin() -> StepProcess:
    return StepProcess(STEP, CODE, _environment(Path(tempfile.gettempdir()), credentials=False))


def _memory_left(context: Any) -> float:
    return float(context.memory_limit_in_mb) - own_memory_mb() - MEMORY_KEPT_MB


def _environment(base: Path, *, credentials: bool = STEP in OPEN_S3) -> dict[str, str]:
    """The step's environment: of the function's own, what it needs."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "_", "KANMON_", "LAMBDA_"))
        or (credentials and name.startswith("AWS_") and not name.startswith("AWS_LAMBDA_"))
    }
    return {**kept, "TMPDIR": str(base), "PYTHONPATH": str(CODE), "PYTHONUNBUFFERED": "1"}


def _check(ended: Ended, base: Path) -> None:
    """Raise the step's failure, if it failed."""
    if ended.code == 0:
        return
    file = base / "output" / "message"
    message = file.read_text(encoding="utf-8") if file.is_file() else ""
    if ended.code == OUTGROWN:
        raise StepOutgrewError(message or f"{STEP} outgrew the function")
    if ended.code == REFUSED and message:
        raise StepFailedError(f"{STEP}: {message}")
    raise StepCrashedError(message or f"{STEP} ended with {ended.code} and without a reason")


def _hide_credentials() -> None:
    """Close this process's environment and memory to the step, which has the same user."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0)


def _clear_scratch() -> None:
    """Empty the disk, which belongs to the function alone and stays for the next call.

    That one may be of another model, whose step could read what is there or be led by it. A call
    that was ended with its whole function leaves everything: a reset keeps the disk.
    """
    for left in Path(tempfile.gettempdir()).iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


_hide_credentials()
adopt_orphans()
_clear_scratch()
# Begun with the function, so that its imports and the inputs come at the same time.
_begun: StepProcess | None = _begin()
_S3 = aws.session().create_client(
    "s3", config=Config(retries={"mode": "standard", "max_attempts": 5})
)
