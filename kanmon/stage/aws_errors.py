"""Errors of AWS as one line with the fix, and the exit code."""

from typing import Any

from kanmon.errors import FAILED, NO_STAGE, KanmonError
from kanmon.project import find_project
from kanmon.stage.connection import not_running

# AWS error codes for invalid or expired credentials.
BAD_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "AuthFailure",
}
# Only the local stage has this address.
LOCAL_ADDRESS = "http://127.0.0.1:"
REFUSED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


def describe_aws_error(error: Exception) -> tuple[str, int]:
    """An error of botocore as one line, and its exit code."""
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        return _describe_answer(error)
    if isinstance(error, exceptions.ProfileNotFound):
        return f"{error}. Correct profile in samconfig.toml, or AWS_PROFILE.", NO_STAGE
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return "there are no AWS credentials. Sign in (`aws sso login` or `aws login`).", NO_STAGE
    if isinstance(error, exceptions.TokenRetrievalError | exceptions.UnauthorizedSSOTokenError):
        return "the sign-in to AWS has expired. Sign in again (`aws sso login`).", NO_STAGE
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        if LOCAL_ADDRESS in str(error) and _local_is_gone():
            absent = not_running(find_project())
            return absent.line(), absent.exit_code
        return f"the stage does not answer: {error}. Check that it is up, and its region.", NO_STAGE
    return f"{error}. KANMON_DEBUG=1 shows where.".replace("..", "."), FAILED


def _local_is_gone() -> bool:
    from kanmon.stage import local

    try:
        return local.status(find_project().home) is None
    except KanmonError:  # called outside a project
        return False


def _describe_answer(error: Any) -> tuple[str, int]:
    code = error.response.get("Error", {}).get("Code", "")
    text = error.response.get("Error", {}).get("Message", "") or str(error)
    text = " ".join(text.split()).rstrip(".")
    if code in BAD_CREDENTIALS:
        return f"AWS refuses the credentials: {text}. Sign in again.", NO_STAGE
    if code in REFUSED:
        return f"{error.operation_name} is not allowed: {text}. Ask for that permission.", NO_STAGE
    return f"{error.operation_name} failed with {code}: {text}.", FAILED
