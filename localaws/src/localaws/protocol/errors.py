"""An error answer of a service, as the JSON protocol carries it."""


class ServiceError(Exception):
    """AWS's code, its words, and HTTP status 400 as nearly all of them have."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def not_here(what: str) -> ServiceError:
    """What AWS has and localaws leaves out: an operation, or a member of a request."""
    return ServiceError("NotImplementedException", f"localaws does not have {what}", 501)


def invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
