"""What of a request for a batch can be checked before it begins. Open Batch checks it all again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.batches.plan import UnknownColumnError, missing_allowed
from kanmon.errors import BadInputError
from kanmon.scoring.online import definition_of
from kanmon.stage.aws_errors import REFUSED
from kanmon.stage.connection import objects_under

if TYPE_CHECKING:
    from kanmon.batches.request import Source
    from kanmon.stage.connection import Connection

# So many named files are looked for: each is a request of its own.
MOST_LOOKED_FOR = 100


def check_columns(connection: "Connection", model: str, release: int, names: Sequence[str]) -> None:
    """Raise BadInputError for a column that may be absent and that the release does not read."""
    with _unless_refused():
        try:
            if names:
                content = definition_of(connection, model, release).model_dump(mode="json")
                missing_allowed(content, (), names)
        except UnknownColumnError as error:
            what, _, fix = str(error).partition("; ")
            what = what.replace("allow_missing", "--allow-missing", 1)
            end = "" if fix.endswith("?") else "."
            raise BadInputError(what, f"{fix[:1].upper()}{fix[1:]}{end}") from error


def check_source(connection: "Connection", source: "Source") -> None:
    """Raise BadInputError where the data bucket has no such file or folder."""
    folders = [source.prefix] if source.prefix else []
    with _unless_refused():
        for name in (*folders, *source.objects[:MOST_LOOKED_FOR]):
            # S3 lists in the order of names: a file comes before all that only begin with its name.
            first = next(objects_under(connection, name), None)
            if first is None or (name not in folders and first["Key"] != name):
                what = "folder" if name in folders else "file"
                raise BadInputError(
                    f"there is no {what} {name}, locally or in the data bucket {connection.bucket}",
                    "Check the path.",
                )


@contextmanager
def _unless_refused() -> Iterator[None]:
    """Check nothing for a person who may not look: the batch may."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in REFUSED:
            raise
