"""`python -m gather`: the shell of the step that runs a model's gather.py.

1. Read the secret that KANMON_SECRET names by its ARN, if there is one.
2. Run gather.py (input/definition), which writes files into a folder of its own.
3. Check them, and store those that changed below KANMON_DATA, an S3 URI.

It is the one step whose code from a model's folder has a network. That code gets no credentials of
the job's role, which itself may write to the data of this model only.
"""

import ctypes
import hashlib
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from contract import aws
from contract.orphans import adopt_orphans, end_children
from contract.paths import Paths
from contract.step import StepError, run_step
from gather import program, secret
from gather.storing import Stored, files_in, store

PR_SET_DUMPABLE = 4


def main(paths: Paths, end_what_is_left: Callable[[], None] = lambda: None) -> None:
    """Gather the model's data. What the program leaves at work would change what is checked."""
    model, data = os.environ["KANMON_MODEL"], os.environ["KANMON_DATA"]
    arn = os.environ.get("KANMON_SECRET") or None
    source = paths.input("definition") / "gather.py"
    if not source.is_file():
        raise StepError(f"{source}: missing, but model.yaml has gather; publish the model again")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    # With their credentials, before the program could change where these come from.
    s3, secrets = client("s3"), client("secretsmanager") if arn else None
    scratch = paths.scratch_folder("gather")
    try:
        folder = scratch / "data"
        folder.mkdir()
        text = secret.read(secrets, arn, model) if arn else None
        try:
            program.run(source, folder, text, show)
        finally:
            end_what_is_left()
        bucket, _, prefix = data.removeprefix("s3://").partition("/")
        stored = store(s3, bucket, prefix, files_in(folder))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    report(paths, stored, data, digest)


def report(paths: Paths, stored: Stored, data: str, digest: str) -> None:
    """Say what was stored, in the log and as the job's last words."""
    for name in stored.written:
        print(f"stored {data}{name}")
    count = len(stored.written) + len(stored.unchanged)
    files = "1 file" if count == 1 else f"{count:,} files"
    print(f"gathered {files}, {stored.bytes:,} bytes; {len(stored.unchanged):,} there already")
    paths.message.parent.mkdir(parents=True, exist_ok=True)
    paths.message.write_text(stored.message(digest), encoding="utf-8")


def client(service: str) -> Any:
    """A client of AWS with the rights of the job's role. Fails at once where it has none."""
    from botocore.config import Config

    patient = Config(retries={"mode": "standard", "max_attempts": 5})
    return aws.session().create_client(service, config=patient)


def show(text: str) -> None:
    """What gather.py prints, in the job's log."""
    sys.stdout.write(text)
    sys.stdout.flush()


def hide() -> None:
    """Close this process's environment and memory to gather.py, which has the same user."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0)
    # A dump of its memory would have the secret.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def leave(*_: object) -> NoReturn:
    """The platform asks to end: in a container nothing does that by itself."""
    sys.exit(128 + signal.SIGTERM)


def begin(paths: Paths) -> None:
    """Hide after root was given up, which would undo it."""
    hide()
    adopt_orphans()
    main(paths, end_children)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, leave)
    run_step(begin)
