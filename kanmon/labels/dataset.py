"""Gathers what a model answered and the labels of that, and makes new data of them."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.label_names import label_folder
from kanmon.errors import BadInputError
from kanmon.labels.downloads import Wanted, fetched
from kanmon.labels.files import stored_labels
from kanmon.labels.model_plan import classes_in_service, plan_of
from kanmon.labels.new_data import Columns, NewData, answers, new_data, online_rows
from kanmon.labels.scored_inputs import (
    OtherKeyError,
    batch_rows,
    described,
    finished_batches,
)
from kanmon.stage.connection import objects_under, stage_flag

if TYPE_CHECKING:
    import polars as pl

    from contract.plan import Plan
    from kanmon.stage.connection import Connection
    from observed.labels import Labels


@dataclass(frozen=True)
class Gathered:
    """New data, what became of the labels, and notes on what could not be read."""

    data: NewData
    plan: "Plan"
    labels: dict[str, int]
    notes: list[str]


def gathered(connection: "Connection", definition: Any, since: str) -> Gathered:
    """The labelled answers of a day and later. Raises BadInputError if there are none."""
    from observed.labels import resolve

    plan = plan_of(definition)
    columns = Columns.of(plan)
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="kanmon-") as scratch:
        labels = _labels(connection, plan, Path(scratch) / "labels")
        if labels.invalid or labels.unreadable:
            bad = f"bad rows: {labels.invalid:,}, unreadable files: {len(labels.unreadable):,}"
            notes.append(f"of the labels, this is not used: {bad}")
        frames = list(_frames(connection, plan, columns, since, Path(scratch), notes))
        found = resolve(labels.frame, answers(frames, plan, columns))
    try:
        data = new_data(found, plan, columns)
    except BadInputError as error:
        if not notes:
            raise
        raise BadInputError("; ".join([error.what, *notes]), error.fix) from None
    return Gathered(data, plan, dict(found.counts), notes)


def _labels(connection: "Connection", plan: "Plan", folder: Path) -> "Labels":
    from observed.labels import LabelFile, read

    prefix = label_folder(plan.model)
    stored = {prefix + one.name: one for one in stored_labels(connection, plan.model)}
    if not stored:
        raise BadInputError(
            f"{plan.model} has no labels on stage {connection.name}",
            f"`kanmon put-labels {plan.model} FILE{stage_flag(connection.name)}` uploads some.",
        )
    files, _ = fetched(connection, map(Wanted, stored), folder)
    return read(
        [
            LabelFile(file.path, stored[file.name].name, stored[file.name].received)
            for file in files
        ],
        plan,
        classes_in_service(connection, plan.model),
    )


def _frames(
    connection: "Connection",
    plan: "Plan",
    columns: Columns,
    since: str,
    scratch: Path,
    notes: list[str],
) -> "Iterator[pl.DataFrame]":
    """Answers from captured requests and from batches; adds to the notes."""
    from observed.captured import Damage, pieces

    damage = Damage()
    keys = [
        Wanted(one["Key"])
        for one in objects_under(connection, f"capture/{plan.model}/")
        if _day(one["Key"]) >= since
    ]
    files, _ = fetched(connection, keys, scratch / "capture")
    for piece in pieces(files, plan, damage):
        yield online_rows(piece, columns)
    if damage.count:
        notes.append(f"captured lines and files that are damaged and not used: {damage.count:,}")
    for number, batch in enumerate(finished_batches(connection, plan.model, since)):
        folder = scratch / f"batch-{number}"
        try:
            frames, gone = batch_rows(connection, batch, plan, columns, folder)
        except OtherKeyError as error:
            notes.append(f"{batch} {error}")
            continue
        yield from frames
        if gone:
            notes.append(f"{batch}: inputs are gone or not yours to read: {described(gone)}")


def _day(key: str) -> str:
    """
    >>> _day("capture/churn/7/dt=2026-11-21/101500-a.jsonl")
    '2026-11-21'
    """
    return key.rpartition("/")[0].rpartition("dt=")[2]
