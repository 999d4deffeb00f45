"""Filters, order and pages, the same for every List operation."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localaws.protocol.errors import invalid

DEFAULT_PAGE = 10
TIMES = (
    ("CreationTimeAfter", "CreationTime", 1),
    ("CreationTimeBefore", "CreationTime", -1),
    ("LastModifiedTimeAfter", "LastModifiedTime", 1),
    ("LastModifiedTimeBefore", "LastModifiedTime", -1),
)


def within_times(request: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Whether an entry lies within the request's CreationTime and LastModifiedTime bounds."""
    return all(
        (entry[field] - request[bound]) * direction > 0
        for bound, field, direction in TIMES
        if bound in request
    )


def page(
    request: Mapping[str, Any],
    entries: Iterable[Mapping[str, Any]],
    *,
    order: Callable[[Mapping[str, Any]], Any],
    descending: bool,
) -> tuple[list[Mapping[str, Any]], str | None]:
    """Return one page of the ordered entries and the token of the next, if there is one."""
    ordered = sorted(entries, key=order, reverse=descending)
    start = read_token(request.get("NextToken"))
    end = start + request.get("MaxResults", DEFAULT_PAGE)
    token = write_token(end) if end < len(ordered) else None
    return ordered[start:end], token


def write_token(position: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"after": position}).encode()).decode()


def read_token(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(json.loads(base64.urlsafe_b64decode(token))["after"])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise invalid("The pagination token is invalid.") from error
