"""The key of `model.yaml` for data that a query makes; query.py has what `gather.sql` may hold."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from core.definition.part import Part
from core.definition.query import FILE, QueryError, statement


def _database(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_-]{1,255}", text):
        raise ValueError(
            f"{text!r:.60} is not a database of the Glue catalog; write its name in small letters"
        )
    return text


class Gather(Part):
    """Before each run Athena runs gather.sql; what it returns is the data."""

    database: Annotated[str, AfterValidator(_database)]
    # More may not be scanned: the limit of the workgroup that the query runs in. There is one
    # workgroup for each of these numbers.
    maximum_gb: Literal[1, 10, 100, 1000] = 10
    timeout_minutes: Annotated[int, Field(ge=1, le=240)] = 30


def gather_problem(files: Mapping[str, bytes], gather: Gather | None) -> str | None:
    """What is wrong with gather.sql and model.yaml's `gather`, of which neither is without the
    other."""
    if gather is None:
        if FILE in files:
            return (
                f"{FILE} is there, but model.yaml has no gather; add gather: {{database: NAME}}, "
                "or remove the file"
            )
        return None
    if FILE not in files:
        return f"model.yaml has gather, but no {FILE} is beside it; write it, or remove gather"
    try:
        statement(files[FILE])
    except QueryError as error:
        return str(error)
    return None
