"""Whether a start that AWS refused can succeed later as it is. Pure."""

from __future__ import annotations

from botocore.exceptions import ClientError, ParamValidationError

# Of these a later try may go well. Step Functions answers with them, or AWS in front of it.
_FOR_NOW = (
    "ExecutionLimitExceeded",
    "InternalFailure",
    "KmsThrottlingException",
    "LimitExceeded",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "Throttl",
    "TooManyRequests",
)
_SERVER_ERROR = 500


def for_good(error: Exception) -> bool:
    """Of what AWS did not answer, and of its own faults, a later try may go well."""
    if not isinstance(error, ClientError):
        return isinstance(error, ParamValidationError)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = error.response.get("Error", {}).get("Code", "")
    return status < _SERVER_ERROR and not any(each in code for each in _FOR_NOW)


def in_words(error: Exception) -> str:
    """What AWS said, without what only its log needs."""
    if not isinstance(error, ClientError):
        return str(error)
    said = error.response.get("Error", {})
    return f"{said.get('Code', 'Unknown')}: {said.get('Message', '')}".rstrip(": ")
