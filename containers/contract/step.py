"""How a step starts and ends."""

import errno
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from contract.paths import Paths

# SageMaker cuts an ExitMessage at 1,024 characters. Bytes are counted, the stricter reading.
MESSAGE_BYTES = 1024
# The exit statuses. The step's own sentence: every machine would say the same.
REFUSED = 1
# The machine's memory or disk is too small: a larger one may do.
OUTGROWN = 3
# Anything else, which may be the machine's: another one may do.
CRASHED = 4


class StepError(Exception):
    """The step cannot continue because of its input. The text says what, where and the fix."""


class MachineError(StepError):
    """The step cannot continue, and another machine may: its network or its role may be why."""


def run_step(main: Callable[[Paths], None], paths: Paths | None = None) -> None:
    """Run a step's main with its folders. On failure write a one-line message and exit with one
    of the statuses above."""
    paths = paths or Paths.from_environment()
    try:
        give_up_root(paths)
        main(paths)
    except StepError as error:
        _leave(paths, str(error), CRASHED if isinstance(error, MachineError) else REFUSED)
    except PermissionError as error:
        _leave(
            paths,
            f"{error.filename or paths.root}: user {os.geteuid()} may not use it "
            f"({error.strerror or error}); if the platform mounts folders for root, as SageMaker "
            "does, build the image with --build-arg STEP_USER=0:0",
            CRASHED,
        )
    except Exception as error:
        if _is_full(error):
            _leave(
                paths,
                "the disk is full; raise volume_gb of this step under resources in model.yaml",
                OUTGROWN,
            )
        if isinstance(error, MemoryError):
            _leave(
                paths,
                "the memory is full; give this step a larger instance_type under resources in "
                "model.yaml",
                OUTGROWN,
            )
        # The traceback goes to the job's log, the line to the operator. Imported late: a step that
        # succeeds starts faster without it.
        import traceback

        traceback.print_exc()
        _leave(paths, f"{type(error).__name__}: {error}", CRASHED)


def _is_full(error: Exception) -> bool:
    """Has the disk no room left? Polars puts the system's words into errors of its own."""
    return getattr(error, "errno", None) == errno.ENOSPC or "No space left on device" in str(error)


def give_up_root(paths: Paths) -> None:
    """Become the user that KANMON_STEP_UID names, and own the folders this job writes to.

    SageMaker mounts output folders for root, so an image built for it starts as root. The step
    makes its inputs readable and reads nothing before it gives up root for good. For another user,
    or outside an image, this does nothing.
    """
    uid = os.environ.get("KANMON_STEP_UID")
    if uid is None or os.geteuid() != 0:
        return
    user = int(uid)
    for folder in (paths.root, *paths.written):
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, user, user)
    for folder in (paths.root.parent, paths.root, paths.root / "input", paths.resources.parent):
        _let_read(folder)
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)


def _let_read(folder: Path) -> None:
    """Let every user read what the platform put there; it may be readable for root only.

    A read-only mount stays as it is: if that is a problem, reading says so.
    """
    deep = folder.name in ("input", "config")
    for path in [folder, *(folder.rglob("*") if deep else ())]:
        with suppress(OSError):
            found = path.lstat().st_mode
            wanted = found | (0o055 if stat.S_ISDIR(found) else 0o044)
            if found != wanted and not stat.S_ISLNK(found):
                path.chmod(stat.S_IMODE(wanted))


def shorten(message: str, limit: int = MESSAGE_BYTES) -> str:
    """Put the message on one line of at most `limit` bytes of UTF-8.

    >>> shorten("two\\nlines")
    'two lines'
    """
    line = " ".join(message.split())
    encoded = line.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return encoded.decode("utf-8")
    mark = " …"
    return encoded[: limit - len(mark.encode())].decode("utf-8", "ignore") + mark


def abandon(paths: Paths, message: str) -> NoReturn:
    """End the process at once, from any thread, whatever a library's own code is doing."""
    _write(paths, message)
    os._exit(REFUSED)


def _leave(paths: Paths, message: str, status: int) -> NoReturn:
    _write(paths, message)
    sys.exit(status)


def _write(paths: Paths, message: str) -> None:
    print(message, file=sys.stderr, flush=True)
    # A read-only or missing parent must not hide the failure: stderr already has it.
    with suppress(OSError):
        paths.message.parent.mkdir(parents=True, exist_ok=True)
        paths.message.write_text(shorten(message), encoding="utf-8")
