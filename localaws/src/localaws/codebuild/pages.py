"""Pages of CodeBuild's List operations: 100 names each, and a token for the next."""

from collections.abc import Mapping, Sequence
from typing import Any

from localaws.codebuild.access import refused
from localaws.protocol.errors import ServiceError
from localaws.protocol.paging import read_token, write_token

PAGE = 100


def page(request: Mapping[str, Any], names: Sequence[str]) -> tuple[list[str], str | None]:
    """
    >>> page({}, ["a", "b"])
    (['a', 'b'], None)
    """
    try:
        start = read_token(request.get("nextToken"))
    except ServiceError as error:
        raise refused(str(error)) from error
    end = start + PAGE
    return list(names[start:end]), write_token(end) if end < len(names) else None
