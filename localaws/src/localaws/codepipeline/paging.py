"""Pages of CodePipeline's lists, whose members begin with small letters."""

from collections.abc import Mapping, Sequence
from typing import Any

from localaws.protocol.errors import ServiceError
from localaws.protocol.paging import read_token, write_token

Entries = Sequence[Mapping[str, Any]]


def page(
    request: Mapping[str, Any], entries: Entries, size: int = 100
) -> tuple[Entries, str | None]:
    """Return one page of the entries and the token of the next, if there is one."""
    try:
        start = read_token(request.get("nextToken"))
    except ServiceError as error:
        raise ServiceError("InvalidNextTokenException", str(error)) from error
    end = start + request.get("maxResults", size)
    return entries[start:end], write_token(end) if end < len(entries) else None
