"""What the command line shows of batches: records, progress, endings and reports."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from kanmon.batches.outcome import describe
from kanmon.batches.progress import Progress, Shards
from kanmon.batches.records import batch_named, batches_of, latest_batches, newest_done
from kanmon.commands.batches import row
from kanmon.errors import BadInputError
from kanmon.labels.files import last_report
from kanmon.runs.execution import Ending
from tests.support.batch_clients import BATCH, Bucket, Machine, item, stage


def test_batches_are_listed_newest_first_without_bookkeeping() -> None:
    older = item(BATCH, asked_at="2026-11-22T05:55:01Z", answer="{}", told="x")
    newer = item("churn-261123055501-b7h", asked_at="2026-11-23T05:55:01Z")

    found = batches_of(stage(older, newer), "churn", 20)

    assert [one.batch[:12] for one in found] == ["churn-261123", "churn-261122"]
    assert found[1].document() == {
        "batch": BATCH,
        "model": "churn",
        "asked_at": "2026-11-22T05:55:01Z",
    }


def test_the_batches_of_all_models_are_one_list() -> None:
    theirs = {"model": "abalone", "item": "batch#abalone-1", "asked_at": "2026-11-23T05:55:01Z"}
    connection = stage(item(BATCH, asked_at="2026-11-22T05:55:01Z"), theirs)

    found = latest_batches(connection, ["abalone", "churn"], 20)

    assert [one.name for one in found] == ["abalone-1", BATCH]


@pytest.mark.parametrize(
    ("execution", "word"),
    [("RUNNING", "running"), ("ABORTED", "stopped"), ("TIMED_OUT", "took too long")],
)
def test_a_batch_whose_execution_ended_unseen_is_not_listed_as_running(
    execution: str, word: str
) -> None:
    connection = stage(item(BATCH, status="RUNNING", asked_at="2026-11-22T05:55:01Z"))
    connection.stepfunctions = Machine(BATCH, status=execution)

    [listed] = batches_of(connection, "churn", 20)

    assert row(listed)[2] == word


def test_a_name_is_a_batchs_by_its_record_or_by_its_execution() -> None:
    assert batch_named(stage(item(BATCH, status="FAILED")), BATCH).status == "FAILED"
    assert batch_named(stage(executions=(BATCH,)), BATCH).model == "churn"
    assert batch_named(stage(), BATCH) is None
    assert batch_named(stage(), "churn") is None


def test_of_a_model_the_newest_batch_that_is_done_is_found() -> None:
    names = [f"churn-26112{day}055501-b7h" for day in (1, 2, 3, 4)]
    states = ("SUCCEEDED", "SUCCEEDED", "FAILED", "RUNNING")
    connection = stage(
        *(
            item(name, status=state, asked_at=f"2026-11-2{day}T05:55:01Z")
            for day, (name, state) in enumerate(zip(names, states, strict=True), 1)
        )
    )

    found, newer = newest_done(connection, "churn")

    assert (found.name, [one.name for one in newer]) == (names[1], [names[3], names[2]])


@pytest.mark.parametrize(
    ("items", "fix"),
    [
        ((), "`kanmon score-batch churn` starts one."),
        (
            (item(BATCH, status="FAILED"),),
            "`kanmon batches churn` lists what became of the others.",
        ),
    ],
)
def test_of_a_model_without_a_batch_that_is_done_none_is_found(
    items: tuple[dict[str, Any], ...], fix: str
) -> None:
    with pytest.raises(BadInputError) as refused:
        newest_done(stage(*items), "churn")

    assert str(refused.value) == "churn has no batch that is done"
    assert refused.value.fix == fix


def test_a_line_shows_counts_or_why_there_are_none() -> None:
    fields = {"asked_at": "2026-11-22T05:55:01Z", "release": 7}
    [scored] = batches_of(
        stage(item(BATCH, status="SUCCEEDED", rows=1204, rejected=0, **fields)), "churn", 1
    )
    [failed] = batches_of(
        stage(item(BATCH, status="FAILED", summary="no\nrows", **fields)), "churn", 1
    )

    assert row(scored)[3:] == ["1,204", "0", "7", ""]
    assert row(failed)[3:] == ["", "", "7", "no rows"]


def test_shards_are_counted_as_their_records_come_and_each_is_read_once() -> None:
    folder = f"batches/churn/{BATCH}"
    bucket = Bucket({})
    connection: Any = SimpleNamespace(s3=bucket, bucket="data")
    shards = Shards(connection, "churn", BATCH)
    assert shards.look() is None

    bucket.objects[f"{folder}/shards.json"] = b'{"shards": [{}, {}, {}]}'
    assert shards.look() == "shard 0 of 3, 0 rows"
    for number in (0, 2):
        name = f"{folder}/done/0000{number}.json"
        bucket.objects[name] = b'{"files": [{"rows_in": 600}, {"rows_in": 2}]}'
        shards.look()

    assert shards.look() == "shard 2 of 3, 1,204 rows"
    assert len(bucket.read) == len(set(bucket.read)) == 3


def test_progress_off_a_terminal_reads_no_records() -> None:
    screen: Any = SimpleNamespace(watched=lambda: False, live=lambda text: None)
    shards: Any = SimpleNamespace(look=lambda: pytest.fail("it looked"))
    visit: Any = SimpleNamespace(
        state="Score Rows", seconds=lambda now: 1.0, ended=None, attempts=1
    )

    Progress(screen, shards)([visit])


@pytest.mark.parametrize("planned", [True, False])
def test_a_batch_that_was_stopped_says_so_and_is_resumed_only_if_it_was_planned(
    planned: bool,
) -> None:
    ending = Ending("ABORTED", {}, "Stopped", "enough", 3.0)
    bucket = Bucket({f"batches/churn/{BATCH}/plan.json": b"{}"} if planned else {})
    connection: Any = SimpleNamespace(name="local", s3=bucket, bucket="data")

    outcome = describe(connection, "churn", BATCH, ending)

    assert outcome.exit_code == 1
    assert outcome.problem.startswith(f"batch {BATCH} was stopped: enough.")
    assert (f"`kanmon logs {BATCH}`" in outcome.problem) is planned
    assert (f"`kanmon score-batch churn --resume {BATCH}`" in outcome.problem) is planned


LACKS = "score: a.csv, column age: is missing; score without it with `--allow-missing age`"
CORRECT = "Correct the files and start a new batch: a resume fails again."
ALLOW = (
    "Correct the files, or allow what they lack with --allow-missing NAME, and start a new batch: "
    "a resume fails again."
)
RESUME = f"`kanmon score-batch churn --resume {BATCH}` scores what is missing."


@pytest.mark.parametrize(
    ("cause", "advice"),
    [
        (LACKS, ALLOW),
        ("score: a.csv is damaged Parquet; write it again", CORRECT),
        ("score: a.csv row 3 (line 4): has 2 cells; give it 3", CORRECT),
        ("score: 2 problems with the data: (1) a.csv, column size: is missing", CORRECT),
        ("score: the plan is damaged; start a new batch", "shows its job's log."),
        ("score: the disk is full; raise volume_gb of this step", RESUME),
        # A file named like the beginning of the platform's own words, and the words.
        ("a.csv is what stopped it", RESUME),
    ],
)
def test_a_failed_batch_says_what_helps(cause: str, advice: str) -> None:
    plan = b'{"objects": [{"key": "ours/a.csv"}, {"key": "ours/b.csv"}]}'
    bucket = Bucket({f"batches/churn/{BATCH}/plan.json": plan})
    connection: Any = SimpleNamespace(name="local", s3=bucket, bucket="data")

    outcome = describe(connection, "churn", BATCH, Ending("FAILED", {}, "x", cause, 3.0))

    assert outcome.problem.endswith(f" {advice}")
    assert ("--resume" in outcome.problem) is (advice == RESUME)


def test_the_newest_report_is_that_of_the_last_monitoring_whatever_its_name() -> None:
    contents = {f"monitoring/churn/{name}/report.json": {"monitoring": name} for name in "ab"}
    bucket = Bucket({key: json.dumps(one).encode() for key, one in contents.items()})
    stored = [{"Key": key, "LastModified": -at} for at, key in enumerate(contents)]
    pages = SimpleNamespace(paginate=lambda **request: [{"Contents": stored}])
    bucket.get_paginator = lambda operation: pages  # type: ignore[method-assign]
    connection: Any = SimpleNamespace(s3=bucket, bucket="data")

    assert last_report(connection, "churn") == {"monitoring": "a"}
