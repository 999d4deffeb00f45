"""What can go wrong, said so that a person can mend it; each kind has its exit code."""

OK, FAILED, BAD_INPUT, NO_STAGE, REJECTED, INTERRUPTED = 0, 1, 2, 3, 4, 130


class KanmonError(Exception):
    """One thing that went wrong: `what` is a clause without a full stop, `mend` a sentence."""

    exit_code = FAILED

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend

    def line(self) -> str:
        """The one line a person reads."""
        what = self.what.rstrip(".")
        what = what if what.endswith("?") else f"{what}."
        return f"{what} {self.mend}" if self.mend else what


class RunFailedError(KanmonError):
    """A run, or the work a command was asked for, failed."""


class BadInputError(KanmonError):
    """What was typed, or a file it names, cannot be used; nothing was changed."""

    exit_code = BAD_INPUT


class StageError(KanmonError):
    """The stage cannot be reached, is not deployed, or refuses these credentials."""

    exit_code = NO_STAGE


class InterruptedByUserError(KanmonError):
    """Ctrl-C, at a moment when there is something to say about what goes on."""

    exit_code = INTERRUPTED
