"""The protection of `releases/`: lifted for one caller while a model's releases are removed.

The data bucket's policy denies everybody to delete there. For the removal the statement gets a
condition that leaves out the caller, and nobody else; afterwards it is as it was. If the removal is
killed in between, the next one begins by putting it back.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

STATEMENT = "ReleasesAreKept"
WHO = "aws:userid"
NO_POLICY = "NoSuchBucketPolicy"


@contextmanager
def lifted(connection: "Connection", bucket: str) -> Iterator[None]:
    """While this lasts, these credentials, and no others, may delete in `releases/`."""
    policy = _policy(connection, bucket)
    if policy is None:
        yield
        return
    caller = str(connection.client("sts").get_caller_identity()["UserId"])
    _put(connection, bucket, without(policy, caller))
    try:
        yield
    finally:
        _put(connection, bucket, protecting(policy))


def restore(connection: "Connection", bucket: str) -> None:
    """Put the protection back that a removal lifted and was killed before it could do so."""
    policy = _policy(connection, bucket)
    if policy is not None and policy != (whole := protecting(policy)):
        _put(connection, bucket, whole)


def without(policy: dict[str, Any], caller: str) -> dict[str, Any]:
    """The policy that leaves out the caller.

    >>> kept = {"Sid": "ReleasesAreKept", "Effect": "Deny"}
    >>> without({"Statement": [kept]}, "AIDA1")["Statement"][0]["Condition"]
    {'StringNotEquals': {'aws:userid': 'AIDA1'}}
    """
    condition = {"StringNotEquals": {WHO: caller}}
    return _changed(policy, lambda one: {**one, "Condition": condition})


def protecting(policy: dict[str, Any]) -> dict[str, Any]:
    """The policy as the template has it: nobody is left out.

    >>> left_out = {"Sid": "ReleasesAreKept", "Condition": {"StringNotEquals": {"aws:userid": "A"}}}
    >>> protecting({"Statement": [left_out]})
    {'Statement': [{'Sid': 'ReleasesAreKept'}]}
    """
    return _changed(
        policy, lambda one: {key: value for key, value in one.items() if key != "Condition"}
    )


def _changed(policy: dict[str, Any], change: Any) -> dict[str, Any]:
    statements = [
        change(one) if one.get("Sid") == STATEMENT else one for one in policy["Statement"]
    ]
    return {**policy, "Statement": statements}


def _policy(connection: "Connection", bucket: str) -> dict[str, Any] | None:
    """The bucket's policy; None if nothing there is protected (any more)."""
    try:
        text = connection.s3.get_bucket_policy(Bucket=bucket)["Policy"]
    except ClientError as error:
        if error.response["Error"]["Code"] == NO_POLICY:
            return None
        raise
    policy: dict[str, Any] = json.loads(text)
    found = any(one.get("Sid") == STATEMENT for one in policy["Statement"])
    return policy if found else None


def _put(connection: "Connection", bucket: str, policy: dict[str, Any]) -> None:
    connection.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
