"""What `kanmon forget` cannot remove, with counts and the reason."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.words.formats import counted
from kanmon.labels.forgetting import Search
from kanmon.stage.connection import objects_under

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection


@dataclass(frozen=True)
class Remaining:
    """Something that may hold a person's values: how much of it there is, why it stays, until
    when or what to do."""

    what: str
    count: int | None
    why: str


# What nobody can count.
_OF_EVERY_MODEL = (
    Remaining(
        "mails that were sent",
        None,
        "where a run or batch failed by bad rows, its message quotes cells of some",
    ),
    Remaining(
        "the model table and its backups",
        None,
        "such messages of failures are in it for good; it has no other rows",
    ),
    Remaining("files that people downloaded", None, "ask who has `kanmon fetch` files or data"),
)


# Of a model with gather.py.
_READ_BY_ITS_PROGRAM = Remaining(
    "what gather.py reads",
    None,
    "take the rows out of what gather.py reads, or the next run brings them back",
)


def remaining(
    connection: "Connection", model: str, location: str, search: Search, *, by_program: bool = False
) -> list[Remaining]:
    """Everything that stays, also where there is none of it today."""
    days = _parameters(connection)
    always = [
        *_of_the_data(connection, model, location, days),
        *([_READ_BY_ITS_PROGRAM] if by_program else []),
        *_of_runs(connection, model, days),
        *_OF_EVERY_MODEL,
    ]
    skipped = _unsearched(model, search)
    return [*always, *_unnamed(search, days), *_elsewhere(location, search), *skipped]


def _of_the_data(
    connection: "Connection", model: str, location: str, days: Mapping[str, str]
) -> list[Remaining]:
    data = sum(not one["Key"].endswith("/") for one in objects_under(connection, location))
    kept = days.get("DataVersionRetentionDays", "unknown")
    return [
        Remaining(
            f"data files in {location}",
            data,
            "write them without the rows and replace all: `kanmon put-data "
            f"{model} FILE... --replace`; old versions expire (DataVersionRetentionDays: {kept})",
        ),
        Remaining(
            "rows that queries gave, by run",
            _folders(connection, f"gathered/{model}/"),
            "take the rows out of what gather.sql reads, and run the model again; old ones expire "
            f"(DataVersionRetentionDays: {kept})",
        ),
    ]


def _of_runs(connection: "Connection", model: str, days: Mapping[str, str]) -> list[Remaining]:
    runs = _folders(connection, f"runs/{model}/")
    logs = days.get("LogRetentionDays", "unknown")
    return [
        Remaining(
            "copies of the data in runs",
            runs,
            "training, validation and test rows, with a hash of the key instead of the key, scores "
            "of test rows, and reports that quote cells of rejected rows; a run must stay "
            "repeatable",
        ),
        Remaining(
            "attempts of steps in runs",
            _folders(connection, f"attempts/{model}/"),
            "such copies and such models, as steps that are functions left them; they expire after "
            "30 days",
        ),
        Remaining(
            "what people tried in notebooks, by person",
            _folders(connection, "scratch/"),
            "it may have rows of any model; ask them to remove it, or let it expire after 30 days",
        ),
        Remaining("models trained on the data", runs, "train again without the rows"),
        Remaining(
            "releases",
            _folders(connection, f"releases/{model}/"),
            "written once; golden records are test rows without a key, and a review page may quote "
            "cells of rejected rows",
        ),
        Remaining(
            "reports and pages of monitorings",
            _folders(connection, f"monitoring/{model}/"),
            "counts, and values that training did not know; no rows and no keys",
        ),
        Remaining(
            "logs and access logs",
            None,
            f"steps quote cells of rejected rows; they expire (LogRetentionDays: {logs})",
        ),
    ]


def _unnamed(search: Search, days: Mapping[str, str]) -> Iterator[Remaining]:
    """Rows that have no key."""
    if search.keyless:
        yield Remaining(
            "captured rows without a key",
            search.keyless,
            "name their requests with --request-id, or let them expire (CaptureRetentionDays: "
            f"{days.get('CaptureRetentionDays', 'unknown')})",
        )
    if search.keyless_rejects:
        yield Remaining(
            "rejected rows without a key of batches over other folders",
            search.keyless_rejects,
            "they have only the file and the number of a row; these files expire "
            f"(ScoreRetentionDays: {days.get('ScoreRetentionDays', 'unknown')})",
        )


def _elsewhere(location: str, search: Search) -> Iterator[Remaining]:
    """Files of teams, which batches read where they are."""
    elsewhere = sum(not key.startswith(location) for key in search.elsewhere)
    if elsewhere:
        yield Remaining(
            "files that batches scored in other folders",
            elsewhere,
            "they are not Kanmon's: write them without the rows, and delete their old versions",
        )


def _unsearched(model: str, search: Search) -> Iterator[Remaining]:
    """What was skipped: its rows were neither counted nor removed."""
    for monitoring in sorted(search.open_monitorings):
        why = "it may write captured rows again: let it end, then run the same command again"
        yield Remaining(f"monitoring {monitoring}", None, why)
    for batch, why in sorted(search.open_batches.items()):
        resume = f"`kanmon score-batch {model} --resume {batch}`"
        fix = f"let it end, or resume it with {resume}, then run the same command again"
        yield Remaining(f"batch {batch}", None, f"it was skipped: {why}; {fix}")
    for key, why in sorted(search.unreadable.items()):
        fix = "look into it yourself"
        if request := search.whole.get(key):
            fix += f"; `kanmon forget {model} --request-id {shlex.quote(request)}` empties it"
        yield Remaining(key, None, f"{why}, so it cannot be searched: {fix}")


def lines(found: list[Remaining]) -> list[list[str]]:
    """Rows of a table.

    >>> lines([Remaining("releases", 2, "written once"), Remaining("mails", None, "no rows")])
    [['releases', '2', 'written once'], ['mails', '', 'no rows']]
    """
    return [[one.what, "" if one.count is None else f"{one.count:,}", one.why] for one in found]


def summary(counts: dict[str, dict[str, int]]) -> str:
    """What would be or was removed.

    >>> summary({"labels": {"rows": 1, "files": 1, "versions": 2}})
    '1 row in 1 file (versions: 2)'
    """
    sums = {
        name: sum(each[name] for each in counts.values()) for name in ("rows", "files", "versions")
    }
    rows, files = counted(sums["rows"], "row"), counted(sums["files"], "file")
    return f"{rows} in {files} (versions: {sums['versions']:,})"


def _folders(connection: "Connection", prefix: str) -> int:
    pages = connection.s3.get_paginator("list_objects_v2").paginate(
        Bucket=connection.bucket, Prefix=prefix, Delimiter="/"
    )
    return sum(len(page.get("CommonPrefixes", [])) for page in pages)


def _parameters(connection: "Connection") -> dict[str, str]:
    described = connection.stack_description() or {}
    return {
        one["ParameterKey"]: one.get("ParameterValue", "")
        for one in described.get("Parameters", [])
    }
