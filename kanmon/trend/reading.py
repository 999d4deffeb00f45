"""Reads what a model's runs measured: the model table, and one small object of each judged run."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from core.reading import Document, mapping, part
from core.stage.bucket import Store
from core.stage.release_records import Release
from kanmon.releases.records import list_releases
from kanmon.runs.records import RunRecord
from kanmon.stage.connection import read_json
from kanmon.stage.records import records_of
from kanmon.trend.points import Trend, floors_of, points_of

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# Lines by run. A run has one once it is judged, and it stays as it is.
Known = dict[str, Document]
# Of a model that has more judged runs, the newest.
MOST_RUNS = 500
# The client keeps ten connections.
AT_ONCE = 10


def trend_of(
    connection: "Connection", model: str, most: int = MOST_RUNS, known: Known | None = None
) -> Trend:
    """The model's trend: a query or two of the model table, and 1 kB of each run that is not in
    `known` yet, which then has it too."""
    records = records_of(connection, RunRecord, model)
    judged = [one for one in records if one.verdict]
    shown = judged[:most]
    lines = lines_of(connection, model, [one.run for one in shown], known)
    releases = {one.run: one for one in list_releases(connection, model) if one.run}
    points, metrics = points_of(lines, releases)
    floors = {}
    if points:
        plan = read_json(connection, Store.run_key(model, points[-1].run, "run.json"))
        floors = floors_of(part(mapping(plan), "definition", "content"))
    return Trend(
        model, points, metrics, floors, len(records) - len(judged), len(judged) - len(shown)
    )


def trend_of_releases(connection: "Connection", model: str, releases: Sequence[Release]) -> Trend:
    """The same of the runs of some releases only."""
    by_run = {one.run: one for one in releases if one.run}
    points, metrics = points_of(lines_of(connection, model, list(by_run)), by_run)
    return Trend(model, points, metrics)


def lines_of(
    connection: "Connection", model: str, runs: Sequence[str], known: Known | None = None
) -> list[Document]:
    """Their lines of the metrics table; one that is not there is left out."""
    held = {} if known is None else known
    missing = [run for run in runs if run not in held]
    if missing:
        connection.s3  # noqa: B018 - made here: clients are not made in several threads at once
        with ThreadPoolExecutor(AT_ONCE) as readers:
            keys = [Store.metrics_key(model, run) for run in missing]
            found = readers.map(lambda key: mapping(read_json(connection, key)), keys)
            held.update({run: line for run, line in zip(missing, found, strict=True) if line})
    return [held[run] for run in runs if run in held]
