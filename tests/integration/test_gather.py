"""A run whose data a query makes: Open Run, then Take Snapshot, against a stage in memory."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import close_run
import take_snapshot
from contract.plan import Plan
from core.definition.query import QueryError
from core.runs.gather import EmptyResultError
from core.runs.gathering_job import NoGatherError
from core.runs.open_run import seconds_needed
from core.stage import gateways
from core.stage.bucket import DataObject
from core.stage.row_hasher import RowHasher, UnreadableResultError
from tests.support.control_cases import DEFINITION, MODEL_YAML
from tests.support.file_sums import Summing, summing
from tests.support.stage_in_memory import BUCKET, RUN, Context, Stage

QUERY = "SELECT gender, tenure, churn\nFROM customers;"
GATHERED_YAML = MODEL_YAML + "gather: {database: crm, maximum_gb: 100}\n"
PREFIX = f"gathered/churn/{RUN}"
LATER = "churn-261121060000-a1b"
ROWS = [("f", 1, "yes"), ("m", 2, "no"), ("f", 1, "yes")]
Open = Callable[..., dict[str, Any]]


class Hashing:
    """Hash Rows: reads a file of the stage as the function does."""

    def __init__(self, stage: Stage, folder: Path, summing: Summing) -> None:
        self._stage, self._folder, self._summing = stage, folder, summing

    def answer(self, file: DataObject) -> Mapping[str, Any]:
        named = {"Bucket": BUCKET, "Key": file.key, "VersionId": file.version_id}
        path = self._folder / "rows"
        path.write_bytes(self._stage.s3.get_object(**named)["Body"].read())
        return self._summing.answer(path)


@pytest.fixture(scope="module")
def child() -> Iterator[Summing]:
    with summing() as started:
        yield started


@pytest.fixture
def stage(
    stage: Stage, child: Summing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    monkeypatch.setenv("GATHER_WORKGROUPS", "kanmon-test-gather-")
    monkeypatch.setattr("core.runs.gather._AT_ONCE", 1)  # they share a process and a file
    stage.publish(GATHERED_YAML, QUERY)
    gateways.stage.cache_clear()
    gateways.stage().__dict__["row_hasher"] = Hashing(stage, tmp_path, child)
    yield stage
    gateways.stage.cache_clear()


def unload(stage: Stage, *files: list[tuple[str, int, str]], prefix: str = f"{PREFIX}/0") -> None:
    """What Athena writes: names without an ending."""
    for number, rows in enumerate(files):
        written = io.BytesIO()
        schema = {"gender": pl.String, "tenure": pl.Int32, "churn": pl.String}
        pl.DataFrame(rows, schema=schema, orient="row").write_parquet(written)
        stage.put(f"{prefix}/20261121_055501_0004{number}_abcde", written.getvalue())


def take(context: Context, run: str = RUN, **request: Any) -> dict[str, Any]:
    gathered = {
        "prefix": f"s3://{BUCKET}/gathered/churn/{run}/0",
        "query_id": "q-1",
        "scanned_bytes": 2**40,
    }
    event = {"run": run, "request": {"model": "churn", **request}, "gathered": gathered}
    return take_snapshot.handler(event, context)


def close(context: Context, answer: dict[str, Any]) -> None:
    close_run.handler({**answer, "package_arn": "arn", "review_uri": "s3://r"}, context)


def a_run_of(stage: Stage, opened: Open, context: Context) -> dict[str, Any]:
    """Run the model on the rows to its end; what Take Snapshot answered."""
    opened()
    unload(stage, ROWS)
    answer = take(context)
    close(context, answer)
    return answer


def listed(stage: Stage) -> list[str]:
    found = stage.s3.list_objects_v2(Bucket=BUCKET, Prefix="gathered/").get("Contents", [])
    return [each["Key"] for each in found]


def test_open_run_asks_for_the_query_before_anything_else(stage: Stage, opened: Open) -> None:
    assert opened() == {
        "outcome": "gather",
        "run": RUN,
        "model": "churn",
        "behind": None,
        "summary": "gather.sql runs first; it may scan 100 GB",
        "gather": {
            "query": "SELECT gender, tenure, churn\nFROM customers",
            "database": "crm",
            "workgroup": "kanmon-test-gather-100gb",
            "prefix": f"s3://{BUCKET}/{PREFIX}",
            "maximum_gb": 100,
            "timeout_seconds": 1800,
        },
    }
    assert stage.holder() == RUN
    assert opened() == opened()


def test_what_the_query_wrote_is_the_snapshot_and_the_run_goes_on(
    stage: Stage, opened: Open, context: Context, tmp_path: Path
) -> None:
    asked = opened()["gather"]
    unload(stage, ROWS[:2], ROWS[2:])
    answer = take(context)

    assert answer["outcome"] == "new"
    assert answer["summary"].startswith("new: 2 files, ")
    document = stage.get_json(f"snapshots/churn/{answer['snapshot']}.json")
    assert document["kind"] == "parquet"
    assert [each["key"] for each in document["objects"]] == listed(stage)
    plan = stage.get_json(f"runs/churn/{RUN}/run.json")
    assert plan["gather"] == {
        "query": asked["query"],
        "database": "crm",
        "maximum_gb": 100,
        "query_id": "q-1",
        "rows": 3,
        "scanned_bytes": 2**40,
        "usd": 5.0,
        "prices": {"source": "sample", "region": "us-east-1", "of": "2025-06"},
    }
    (tmp_path / "run.json").write_text(json.dumps(plan))
    assert Plan.read(tmp_path / "run.json").run == RUN
    assert stage.record()["fingerprint"] == answer["fingerprint"]
    assert take(context) == answer
    assert opened() == answer


def test_an_unchanged_result_trains_nothing_and_leaves_no_second_copy(
    stage: Stage, opened: Open, context: Context
) -> None:
    a_run_of(stage, opened, context)
    before = listed(stage)

    opened(LATER)
    # Other files, in another order.
    unload(stage, ROWS[2:], [ROWS[1], ROWS[0]], prefix=f"gathered/churn/{LATER}/0")
    answer = take(context, LATER)

    assert (answer["outcome"], answer["equals"]) == ("nothing new", RUN)
    assert listed(stage) == before


def test_a_forced_run_on_equal_rows_reads_the_very_objects_of_the_first(
    stage: Stage, opened: Open, context: Context
) -> None:
    first = a_run_of(stage, opened, context)
    document = stage.get_json(f"snapshots/churn/{first['snapshot']}.json")

    opened(LATER, force=True)
    unload(stage, list(reversed(ROWS)), prefix=f"gathered/churn/{LATER}/0")
    again = take(context, LATER, force=True)

    assert again["outcome"] == "new"
    assert again["fingerprint"] == first["fingerprint"]
    assert stage.get_json(f"snapshots/churn/{again['snapshot']}.json") == document


def test_objects_that_are_gone_are_not_read_again(
    stage: Stage, opened: Open, context: Context
) -> None:
    first = a_run_of(stage, opened, context)
    [gone] = stage.get_json(f"snapshots/churn/{first['snapshot']}.json")["objects"]
    stage.s3.delete_object(Bucket=BUCKET, Key=gone["key"], VersionId=gone["version_id"])

    opened(LATER, force=True)
    unload(stage, ROWS, prefix=f"gathered/churn/{LATER}/0")
    again = take(context, LATER, force=True)

    objects = stage.get_json(f"snapshots/churn/{again['snapshot']}.json")["objects"]
    assert [each["key"] for each in objects] == listed(stage) != [gone["key"]]


def test_a_changed_cell_and_a_changed_query_are_something_new(
    stage: Stage, opened: Open, context: Context
) -> None:
    a_run_of(stage, opened, context)

    opened(LATER)
    unload(stage, [*ROWS[:2], ("f", 1, "no")], prefix=f"gathered/churn/{LATER}/0")
    other_row = take(context, LATER)
    assert other_row["outcome"] == "new"
    close(context, other_row)

    stage.publish(GATHERED_YAML, QUERY + " -- the same rows")
    last = "churn-261121070000-a1b"
    opened(last)
    unload(stage, ROWS, prefix=f"gathered/churn/{last}/0")
    assert take(context, last)["outcome"] == "new"


@pytest.mark.parametrize("files", [(), ([],)])
def test_a_query_that_returns_nothing_is_named(
    stage: Stage, opened: Open, context: Context, files: tuple[list[Any], ...]
) -> None:
    opened()
    unload(stage, *files)

    with pytest.raises(EmptyResultError, match=r"model churn: gather.sql returned no rows; see"):
        take(context)


def test_a_stage_that_gathers_nothing_says_how_it_would(
    stage: Stage, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATHER_WORKGROUPS", "")

    with pytest.raises(NoGatherError, match="its parameter GatherFrom is empty; name there"):
        opened()


def test_a_query_that_was_put_there_past_the_command_line_is_checked_too(
    stage: Stage, opened: Open
) -> None:
    stage.publish(GATHERED_YAML, "SELECT 1) TO 's3://elsewhere/' WITH (format = 'JSON') --")

    with pytest.raises(
        QueryError, match=r"models/churn/gather.sql line 1: this parenthesis closes"
    ):
        opened()


def test_the_lock_outlives_the_query() -> None:
    from core.definition.parse import parse_definition

    gathering = parse_definition(GATHERED_YAML, "model.yaml")

    assert seconds_needed(gathering) == seconds_needed(DEFINITION) + 1800 + 3600


class Invoked:
    """Lambda, which answers an invocation."""

    def __init__(self, payload: object, **more: str) -> None:
        self._answer = {"Payload": io.BytesIO(json.dumps(payload).encode()), **more}
        self.asked: dict[str, Any] = {}

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.asked = request
        return self._answer


def test_a_files_rows_are_asked_for_by_its_exact_version() -> None:
    client: Any = Invoked({"rows": 3})

    assert RowHasher(client, "hash", BUCKET).answer(DataObject("a/b", "v1", 4, "e")) == {"rows": 3}
    assert client.asked["FunctionName"] == "hash"
    assert json.loads(client.asked["Payload"]) == {
        "bucket": BUCKET,
        "key": "a/b",
        "version_id": "v1",
    }


def test_a_file_that_cannot_be_read_is_named_with_the_reason() -> None:
    client: Any = Invoked({"errorMessage": "no magic bytes"}, FunctionError="Unhandled")

    with pytest.raises(UnreadableResultError, match=r"s3://kanmon-test-data/a/b, which gather.sql"):
        RowHasher(client, "hash", BUCKET).answer(DataObject("a/b", "v1", 4, "e"))
