"""The runs that are compared, as their documents have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.reading import Document, mapping, part
from core.stage.release_records import Release
from kanmon.errors import BadInputError
from kanmon.releases.records import find_release
from kanmon.runs.records import RunRecord, find_run, run_record
from kanmon.stage.connection import read_json, stage_flag

if TYPE_CHECKING:
    from kanmon.project import Project
    from kanmon.stage.connection import Connection

# How a run ended, where it was not judged.
ENDINGS = {
    "QUEUED": "queued",
    "RUNNING": "running",
    "ABORTED": "stopped",
    "TIMED_OUT": "took too long",
}


@dataclass(frozen=True)
class Side:
    """One run. A document that it has not (yet) is empty.

    note: which run this is instead of the one that was named.
    """

    record: RunRecord
    plan: Document
    evaluation: Document
    verdict: Document
    release: Release | None = None
    note: str | None = None

    @property
    def run(self) -> str:
        """The run's name."""
        return self.record.name

    @property
    def definition(self) -> Document:
        """The content of model.yaml, with the run's parameters in it."""
        return part(self.plan, "definition", "content")

    @property
    def outcome(self) -> str:
        """The verdict, or how far the run came."""
        verdict = self.verdict.get("verdict") or self.record.verdict
        status = str(self.record.status or "unknown")
        return str(verdict or ENDINGS.get(status, status.lower()))

    @property
    def judged(self) -> bool:
        """Has it metrics?"""
        return bool(part(self.evaluation, "candidate", "metrics"))


def read_sides(
    connection: "Connection", project: "Project", names: Sequence[str]
) -> tuple[Side, ...]:
    """Each run, release (its run) or model (its latest run) that was named, in this order.

    Raises BadInputError where one does not exist, and where they cannot be compared.
    """
    sides = tuple(_side(connection, project, name) for name in names)
    check_comparable(sides)
    return sides


def check_comparable(sides: Sequence[Side]) -> None:
    """Raise BadInputError for the same run twice, and for models that answer different questions.

    A model's earlier run may have had another task, so the definitions decide.
    """
    runs = [side.run for side in sides]
    twice = next((run for run in runs if runs.count(run) > 1), None)
    if twice:
        notes = "; ".join(dict.fromkeys(side.note for side in sides if side.note))
        raise BadInputError(
            f"run {twice} is named twice" + (f": {notes}" if notes else ""),
            "Name two different runs; `kanmon runs MODEL` lists them.",
        )
    known = [side for side in sides if side.definition]
    for side in known[1:]:
        _check_question(known[0], side)


def _check_question(base: Side, side: Side) -> None:
    was, now = base.definition.get("task"), side.definition.get("task")
    if was != now:
        raise BadInputError(
            f"{base.run} has the task {was}, {side.run} the task {now}",
            "Their metrics mean different things: name runs of one task.",
        )
    was, now = base.definition.get("target"), side.definition.get("target")
    if was != now and base.record.model != side.record.model:
        raise BadInputError(
            f"{base.run} predicts '{was}', {side.run} '{now}'",
            "Runs of different models are compared only if they predict the same target.",
        )


def _side(connection: "Connection", project: "Project", name: str) -> Side:
    record, note = _record(connection, project, name)
    if record.equals:
        equals = str(record.equals)
        note = f"{record.name} had nothing new: it equals {equals}"
        record = run_record(connection, record.model, equals) or RunRecord(equals, record.model, {})
    folder = f"runs/{record.model}/{record.name}"

    def document(name: str) -> Document:
        return mapping(read_json(connection, f"{folder}/{name}"))

    return Side(
        record,
        document("run.json"),
        document("evaluate/evaluation.json"),
        document("verdict.json"),
        _release(connection, record),
        note,
    )


def _release(connection: "Connection", record: RunRecord) -> Release | None:
    if not record.release:
        return None
    try:
        return find_release(connection, f"{record.model}/{record.release}")
    except BadInputError:  # a run of an earlier version died before it had recorded its release
        return None


def _record(
    connection: "Connection", project: "Project", name: str
) -> tuple[RunRecord, str | None]:
    if "/" not in name:
        record = find_run(connection, project, name)
        latest = record.name != name
        return record, f"{record.name} is the latest run of {name}" if latest else None
    release = find_release(connection, name)
    found: Any = release.run and run_record(connection, release.model, release.run)
    if not found:
        flag = stage_flag(connection.name)
        raise BadInputError(
            f"the run of release {release.reference} is not known any more",
            f"`kanmon show {release.reference}{flag}` shows what is.",
        )
    return found, f"{found.name} is the run of release {release.reference}"
