"""Read a secret's text from Secrets Manager, with the rights of the job's role."""

from typing import Any

from contract.step import StepError


def read(client: Any, arn: str, model: str) -> str:
    """The text. Raises StepError where there is none, or this model's job may not read it."""
    from botocore.exceptions import ClientError

    try:
        answer = client.get_secret_value(SecretId=arn)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ResourceNotFoundException":
            raise StepError(
                f"there is no secret {arn}; correct gather.secret in model.yaml"
            ) from error
        if code.startswith("AccessDenied"):
            raise StepError(
                f"the job of {model} may not read the secret {arn}; give the secret the tags "
                f"kanmon:model with the value {model} and kanmon:stage with the name of the "
                "stage's stack, and, where a key of your own encrypts it, let the job's role "
                "decrypt with that"
            ) from error
        words = error.response["Error"].get("Message") or code
        raise StepError(f"the secret {arn} cannot be read: {words}") from error
    text = answer.get("SecretString")
    if not text:
        raise StepError(f"the secret {arn} has no text; store one, which gather.py is given")
    return str(text)
