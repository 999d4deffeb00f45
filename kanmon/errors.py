"""The errors of the command line: what is wrong, how to fix it, and an exit code for each kind."""

OK, FAILED, BAD_INPUT, NO_STAGE, REJECTED, INTERRUPTED = 0, 1, 2, 3, 4, 130


class KanmonError(Exception):
    """One thing that went wrong. `what` is a clause without a full stop, `fix` a sentence."""

    exit_code = FAILED

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix

    def line(self) -> str:
        """The one line that is printed."""
        what = self.what.rstrip(".")
        what = what if what.endswith("?") else f"{what}."
        return f"{what} {self.fix}" if self.fix else what


class RunFailedError(KanmonError):
    """A run, or the work of a command, failed."""


class BadInputError(KanmonError):
    """An argument, or a file it names, cannot be used; nothing was changed."""

    exit_code = BAD_INPUT


class NoServiceError(BadInputError):
    """The model has no release in service."""


class StageError(KanmonError):
    """The stage cannot be reached, is not deployed, or refuses these credentials."""

    exit_code = NO_STAGE


class InterruptedByUserError(KanmonError):
    """Ctrl-C, while work continues that the user should know about."""

    exit_code = INTERRUPTED
