"""The key of `model.yaml` for data that a query or a program makes; query.py has what `gather.sql`
may hold, program.py what `gather.py` may."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from core.definition import instance_types, program
from core.definition.part import Grown
from core.definition.program import FILE as PROGRAM
from core.definition.program import ProgramError
from core.definition.query import FILE, QueryError, statement

# Keys that belong to one of the two alone.
OF_A_QUERY = ("database", "maximum_gb")
OF_A_PROGRAM = ("secret", "instance_type", "volume_gb")
INSTANCE_TYPE, VOLUME_GB = "ml.t3.medium", 30
# A job takes no longer variable.
LONGEST_ARN = 256
_SECRET = re.compile(
    r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}"
)


def _database(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_-]{1,255}", text):
        raise ValueError(
            f"{text!r:.60} is not a database of the Glue catalog; write its name in small letters"
        )
    return text


def _whole(number: object) -> object:
    """`true` and `1.0` equal one of the numbers, and name no workgroup."""
    if isinstance(number, bool | float):
        raise ValueError(f"{number!r} is not one of 1, 10, 100, 1000; write one of these")
    return number


def _secret(text: str) -> str:
    if not _SECRET.fullmatch(text) or len(text) > LONGEST_ARN:
        # Nothing of it is shown: it may be the secret itself.
        raise ValueError(
            "is not the ARN of a secret; write all of it, as Secrets Manager shows it, from arn to "
            "the six characters after its name"
        )
    return text


def _machine(name: str) -> str:
    wrong = instance_types.problem(name)
    if wrong is not None:
        raise ValueError(wrong)
    return name


class Gather(Grown):
    """Before each run Athena runs gather.sql, or a job runs gather.py; what comes of it is the
    data. The key `database` tells the two apart."""

    later = frozenset({"database", "maximum_gb", "secret", "instance_type", "volume_gb"})

    database: Annotated[str, AfterValidator(_database)] | None = None
    # More may not be scanned: the limit of the workgroup that the query runs in. There is one
    # workgroup for each of these numbers.
    maximum_gb: Annotated[Literal[1, 10, 100, 1000], BeforeValidator(_whole)] | None = None
    # What the program gets the text of, by its ARN.
    secret: Annotated[str, AfterValidator(_secret)] | None = None
    instance_type: Annotated[str, AfterValidator(_machine)] | None = None
    volume_gb: Annotated[int, Field(ge=1, le=16384)] | None = None
    timeout_minutes: Annotated[int, Field(ge=1, le=240)] = 30

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and "database" in raw:
            return {"maximum_gb": 10, **raw}
        return raw

    @property
    def is_query(self) -> bool:
        return self.database is not None


def gather_problem(files: Mapping[str, bytes], gather: Gather | None) -> str | None:
    """What is wrong with gather.sql or gather.py and model.yaml's `gather`, of which none is
    without the other."""
    there = [name for name in (FILE, PROGRAM) if name in files]
    if len(there) > 1:
        return f"{FILE} and {PROGRAM} are both there, and one of them makes the data; remove one"
    if gather is None:
        return _keyless(there[0]) if there else None
    if not there:
        return _fileless(gather)
    if gather.is_query != (there == [FILE]):
        if gather.is_query:
            return f"{PROGRAM} asks no database; remove gather.database, or write {FILE} instead"
        return f"{FILE} needs a database; add gather.database, or write {PROGRAM} instead"
    try:
        if gather.is_query:
            statement(files[FILE])
        else:
            program.check(files[PROGRAM])
    except (QueryError, ProgramError) as error:
        return str(error)
    return None


def _keyless(file: str) -> str:
    add = "{database: NAME}" if file == FILE else "{}"
    return f"{file} is there, but model.yaml has no gather; add gather: {add}, or remove the file"


def _fileless(gather: Gather) -> str:
    if gather.is_query:
        return f"model.yaml has gather, but no {FILE} is beside it; write it, or remove gather"
    return (
        f"model.yaml has gather, but no {PROGRAM} is beside it; write it, or remove gather, or add "
        f"gather.database and {FILE}"
    )
