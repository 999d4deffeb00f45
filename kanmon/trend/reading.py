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

# Of a model that has more judged runs, the newest.
MOST_RUNS = 500
# The client keeps ten connections.
AT_ONCE = 10


def trend_of(connection: "Connection", model: str, most: int = MOST_RUNS) -> Trend:
    """The model's trend: a query or two of the model table, and 1 kB of each run."""
    records = records_of(connection, RunRecord, model)
    judged = [one for one in records if one.verdict]
    shown = judged[:most]
    lines = lines_of(connection, model, [one.run for one in shown])
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


def lines_of(connection: "Connection", model: str, runs: Sequence[str]) -> list[Document]:
    """Their lines of the metrics table; one that is not there is left out."""
    if not runs:
        return []
    connection.s3  # noqa: B018 - made here: clients are not made in several threads at once
    with ThreadPoolExecutor(AT_ONCE) as readers:
        found = readers.map(
            lambda run: mapping(read_json(connection, Store.metrics_key(model, run))), runs
        )
        return [line for line in found if line]
