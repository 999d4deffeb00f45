"""The paths of a run whose data a query makes first."""

import pytest

from core.runs.failure import explain
from tests.support.playing import (
    RUN,
)
from tests.support.scenarios import scenario
from tests.support.waiting import eventually
from tests.support.workflow_definition import (
    HAPPY_PATH,
    SAMPLE_GATHERING,
)


def test_data_is_gathered_before_anything_is_asked_about_it() -> None:
    played = scenario("a query makes the data")

    gathering = ["Open Run", "Anything New?", "Gather", "Take Snapshot", "Anything New?"]
    assert played.path == [*gathering, *HAPPY_PATH[2:]]
    [asked] = played.services.asked("Gather")
    prefix = SAMPLE_GATHERING["gather"]["prefix"]
    assert asked == {
        "QueryString": (
            "UNLOAD (SELECT rings FROM shells -- all of them\n) "  # noqa: S608 - only compared
            f"TO '{prefix}/0/' WITH (format = 'PARQUET', compression = 'SNAPPY')"
        ),
        "QueryExecutionContext": {"Database": "sea"},
        "WorkGroup": "kanmon-test-gather-10gb",
    }
    [taken] = played.services.asked("Take Snapshot")
    assert taken == {
        "run": RUN,
        "request": {"model": "abalone"},
        "gathered": {"prefix": f"{prefix}/0", "query_id": "q-1", "scanned_bytes": 7_000_000},
    }


def test_an_unchanged_result_trains_nothing() -> None:
    played = scenario("a query gives what is known already")

    assert played.path[-3:] == ["Take Snapshot", "Anything New?", "Close Run"]


def test_each_attempt_of_a_query_writes_into_a_prefix_of_its_own() -> None:
    played = scenario("Athena is busy")

    [taken] = played.services.asked("Take Snapshot")
    assert taken["gathered"]["prefix"].endswith("/1")
    places = [asked["QueryString"].split("'")[1][-3:] for asked in played.services.asked("Gather")]
    assert places == ["/0/", "/1/"]


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("the query fails", "States.TaskFailed", "gather.sql: SYNTAX_ERROR: line 1:8: Column"),
        (
            "the query scans too much",
            "States.TaskFailed",
            "gather.sql would scan more than the 10 GB of gather.maximum_gb; read fewer columns",
        ),
        ("the query hangs", "States.Timeout", "a state took longer than its time limit"),
        ("the query returns nothing", "EmptyResultError", "gather.sql returned no rows"),
    ],
)
def test_a_query_that_fails_is_told_in_one_line(name: str, error: str, words: str) -> None:
    played = scenario(name)

    assert played.path[-2:] == ["Report Failure", "Run Failed"]
    [report] = played.services.asked("Report Failure")
    assert report["error"] == error
    assert words in explain(report["error"], report["cause"]).message


def test_a_query_that_hangs_is_stopped() -> None:
    played = scenario("the query hangs")

    eventually(lambda: played.services.stopped)
    assert played.services.stopped == ["q-1"]
