"""How a step starts and ends."""

import sys
from collections.abc import Callable
from contextlib import suppress

from contract.paths import Paths

# SageMaker cuts an ExitMessage at 1,024 characters. Bytes are counted, the stricter reading.
MESSAGE_BYTES = 1024


class StepError(Exception):
    """The step cannot go on because of its input; the text says what, where and how to mend it."""


def run_step(main: Callable[[Paths], None]) -> None:
    """Run a step's main with its folders; on failure leave a one-line message and exit 1."""
    paths = Paths.from_environment()
    try:
        main(paths)
    except StepError as error:
        _leave(paths, str(error))
    except Exception as error:
        # The traceback is for the job's log, the line for the operator. Imported only now: a step
        # that goes well starts sooner without it.
        import traceback

        traceback.print_exc()
        _leave(paths, f"{type(error).__name__}: {error}")


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


def _leave(paths: Paths, message: str) -> None:
    print(message, file=sys.stderr, flush=True)
    # A read-only or missing parent must not hide the failure itself, which stderr already has.
    with suppress(OSError):
        paths.message.parent.mkdir(parents=True, exist_ok=True)
        paths.message.write_text(shorten(message), encoding="utf-8")
    sys.exit(1)
