"""A model's label files: check them, and keep each once under a name with its time and digest."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.label_names import DIGEST, digest_in, label_folder, label_name, received_at
from core.words.formats import counted
from kanmon.errors import BadInputError
from kanmon.models.datasets import DataFile, data_files
from kanmon.stage.connection import objects_under

if TYPE_CHECKING:
    from contract.plan import Plan
    from kanmon.stage.connection import Connection
    from observed.labels import Labels

# So many problems of files are printed; the others are counted.
MOST_SHOWN = 20


@dataclass(frozen=True)
class Stored:
    """A label file on the stage."""

    name: str
    bytes: int
    received: datetime
    correction: bool


@dataclass(frozen=True)
class Put:
    """A file that was put, or recognised as there already."""

    name: str
    stored_as: str
    what: str


def stored_labels(connection: "Connection", model: str) -> list[Stored]:
    """The model's label files, in the order in which they came."""
    from observed.label_files import is_correction

    folder = label_folder(model)
    found = [
        Stored(name, one["Size"], received_at(name, one["LastModified"]), is_correction(name))
        for one in objects_under(connection, folder)
        if (name := one["Key"].removeprefix(folder)) and not name.endswith("/")
    ]
    return sorted(found, key=lambda one: (one.received, one.correction, one.name))


def checked(
    paths: Sequence[Path], plan: "Plan", classes: Sequence[str]
) -> tuple[list[DataFile], "Labels"]:
    """The files and their labels. Raises BadInputError, with every problem, if any row is bad."""
    from observed.labels import LabelFile, read

    files, _ = data_files(paths, None)
    now = datetime.now(UTC)
    labels = read([LabelFile(file.path, str(file.path), now) for file in files], plan, classes)
    if labels.problems:
        raise _refused(labels)
    if not labels.rows:
        raise BadInputError(
            f"there are no rows in {', '.join(str(file.path) for file in files)}",
            "Write a row for each label.",
        )
    return files, labels


def _refused(labels: "Labels") -> BadInputError:
    first, *others = [str(problem) for problem in labels.problems[:MOST_SHOWN]]
    lines = [f"\n        {line}" for line in others]
    more = labels.invalid + len(labels.unreadable) - len(labels.problems[:MOST_SHOWN])
    if more > 0:
        lines.append(f"\n        and {more:,} more like these")
    bad = counted(labels.invalid, "row") if labels.invalid else "a file"
    return BadInputError(f"{bad} cannot be used; nothing was uploaded: {first}{''.join(lines)}")


def put(
    connection: "Connection", model: str, files: Sequence[DataFile], *, correction: bool
) -> list[Put]:
    """Upload the files whose content is not there yet."""
    there = {
        (digest_in(one.name), one.correction): one.name for one in stored_labels(connection, model)
    }
    return [_put(connection, model, file, there, correction) for file in files]


def _put(
    connection: "Connection",
    model: str,
    file: DataFile,
    there: dict[tuple[str | None, bool], str],
    correction: bool,
) -> Put:
    with file.path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    # A file that calls itself a correction is one, with or without --correct.
    name = label_name(datetime.now(UTC), digest, file.name, correction=correction)
    kind = (digest[:DIGEST], correction or ".correction." in file.name.lower())
    if kind in there:
        return Put(file.name, there[kind], "unchanged")
    with file.path.open("rb") as content:
        connection.s3.put_object(
            Bucket=connection.bucket, Key=label_folder(model) + name, Body=content, IfNoneMatch="*"
        )
    there[kind] = name
    return Put(file.name, name, "uploaded")


def last_report(connection: "Connection", model: str) -> dict[str, Any] | None:
    """The newest monitoring's report; None before the first."""
    from kanmon.stage.connection import read_json

    found = [
        one
        for one in objects_under(connection, f"monitoring/{model}/")
        if one["Key"].endswith("/report.json")
    ]
    if not found:
        return None
    # By time and not by name, because a monitoring can have a name of its own.
    newest = max(found, key=lambda one: (one["LastModified"], one["Key"]))
    report = read_json(connection, newest["Key"])
    return dict(report) if report else None
