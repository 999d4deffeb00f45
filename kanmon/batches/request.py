"""The request for a batch: what is scored, uploaded first where it is on this computer."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.data_files import ENDINGS, HIDDEN
from core.stage.batch_table import RUNNING
from kanmon.batches.records import BatchRecord, status_of
from kanmon.errors import BadInputError
from kanmon.models import datasets
from kanmon.models.datasets import DataFile
from kanmon.stage.connection import read_json, stage_flag

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection


@dataclass(frozen=True)
class Source:
    """What a batch scores: local files, a folder of the data bucket, or files of it by name.

    Nothing of it: what the model's definition says.
    """

    files: list[DataFile]
    prefix: str | None = None
    objects: tuple[str, ...] = ()


def source_of(words: Sequence[str], bucket: str) -> Source:
    """What the words of the command name. What is there locally wins over a name in the bucket."""
    local = [word for word in words if Path(word).exists()]
    if local and len(local) < len(words):
        other = next(word for word in words if word not in local)
        raise BadInputError(
            f"{other} is not there locally, and {local[0]} is",
            "Name local files and folders, or what is in the data bucket.",
        )
    if local:
        paths = [path for word in local for path in _files_of(Path(word))]
        checked, _ = datasets.data_files(paths, None)
        return Source(checked)
    keys = [_key(word, bucket) for word in words]
    folders = [key for key in keys if key.endswith("/")]
    if len(folders) > 1 or (folders and len(keys) > 1):
        raise BadInputError(
            "a batch scores one folder, or files", "Name one folder, or the files of it."
        )
    for word, key in zip(words, keys, strict=True):
        _check(word, key)
    return Source([], folders[0] if folders else None, () if folders else tuple(keys))


def _files_of(path: Path) -> list[Path]:
    """The file itself; all files of a folder but hidden ones, so that none is skipped unseen."""
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.iterdir() if not one.name.startswith(HIDDEN))
    if not found:
        raise BadInputError(
            f"the local folder {path} is empty",
            "Name another, or s3://BUCKET/FOLDER/ for one of the data bucket.",
        )
    for one in found:
        if one.is_dir():
            raise BadInputError(
                f"{one} is a folder in a folder", "Name it by itself, and the files beside it."
            )
        if not one.name.lower().endswith(ENDINGS):
            raise BadInputError(
                f"{one} is not a data file",
                f"Move it away, or name the files, such as {path}/*.csv.",
            )
    return found


def _key(word: str, bucket: str) -> str:
    """The word as a name in the data bucket.

    >>> _key("s3://data/ours/a.csv", "data"), _key("ours/", "data")
    ('ours/a.csv', 'ours/')
    """
    if not word.startswith("s3://"):
        return word
    named, _, key = word.removeprefix("s3://").partition("/")
    if named != bucket:
        raise BadInputError(
            f"{word} is not in the stage's data bucket {bucket}",
            "Copy it there, or name local files.",
        )
    return key


def _check(word: str, key: str) -> None:
    from core.definition.scorable import check_key, check_prefix

    if "/" not in key or key.startswith(("/", "./", "../", "~")):
        what = "folder" if key.endswith("/") else "file"
        raise BadInputError(f"there is no {what} {word}", "Check the path.")
    try:
        (check_prefix if key.endswith("/") else check_key)(key)
    except ValueError as error:
        what, _, fix = str(error).partition("; ")
        raise BadInputError(what, f"{fix[:1].upper()}{fix[1:]}.") from error


def upload(
    connection: "Connection",
    model: str,
    batch: str,
    files: list[DataFile],
    moving: Callable[[DataFile, int], None],
) -> str:
    """Upload the files to a folder of the batch's own; returns that folder."""
    prefix = f"inputs/{model}/{batch}/"
    datasets.put(connection, prefix, files, lambda upload: None, moving)
    return prefix


def new_batch(model: str) -> str:
    """The id of a new batch."""
    from core.names import new_run_name

    return new_run_name(model, datetime.now(UTC), secrets.token_bytes(8))


def resumption(connection: "Connection", record: BatchRecord) -> str:
    """The name of an execution that resumes the batch. Raises BadInputError where none can.

    A name is used up by an execution that was stopped before it took the batch.
    """
    name, number = record.works, int(record.attempts or 1)
    status = status_of(connection, name)
    flag = stage_flag(connection.name)
    while status != RUNNING:
        number += 1
        name = f"{record.batch}-r{number}"
        status = status_of(connection, name)
        if status is None:
            break
    else:
        raise BadInputError(
            f"batch {record.batch} is still running",
            f"`kanmon show {record.batch} --wait{flag}` watches it, "
            f"`kanmon stop {record.batch}{flag}` stops it.",
        )
    plan = f"batches/{record.model}/{record.batch}/plan.json"
    if read_json(connection, plan) is None:
        raise BadInputError(
            f"batch {record.batch} ended before it was planned, so nothing of it can be resumed",
            f"`kanmon score-batch {record.model}{flag}` starts another one.",
        )
    return name


def batch_input(
    model: str,
    reason: str,
    source: Source,
    prefix: str | None,
    allow_missing: Sequence[str],
    explain: int | None,
    hosts: int | None,
) -> dict[str, Any]:
    """The input of the batch's execution; `prefix` is where its local files were uploaded."""
    given: dict[str, Any] = {
        "prefix": prefix or source.prefix,
        "objects": list(source.objects) or None,
        "allow_missing": list(allow_missing) or None,
        "explain": explain,
        "hosts": hosts,
    }
    kept = {name: value for name, value in given.items() if value is not None}
    return {"model": model, "reason": reason, **kept}
