"""SageMaker's errors, as its JSON protocol carries them."""


class SageMakerError(Exception):
    """An error answer: AWS's code, its words, and HTTP status 400 as nearly all of them have."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def invalid(message: str) -> SageMakerError:
    return SageMakerError("ValidationException", message)
