"""Report Failure: one line and a free lock, once for each run, whatever event reports it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import close_run
import open_run
import report_failure
from core.stage import gateways
from tests.support.stage_in_memory import RUN, Context, Stage

Load = Callable[[str], dict[str, Any]]


class KilledError(BaseException):
    """The process ended: no handler of an exception runs."""


WAITING = "churn-261121060000-a1b"
MESSAGE = "train: the target churn has one value only; give it rows of both"


def open_for(context: Context, run: str, **request: Any) -> dict[str, Any]:
    return open_run.handler({"run": run, "request": {"model": "churn", **request}}, context)


def test_a_failed_run_is_recorded_reported_and_releases_its_lock(
    stage: Stage, context: Context, load_event: Load
) -> None:
    open_for(context, RUN)

    reported = report_failure.handler(load_event("report_failure"), context)

    assert reported == {
        "run": RUN,
        "model": "churn",
        "error": "TrainJobFailed",
        "message": MESSAGE,
        "started_next": None,
    }
    record = stage.record()
    assert (record["status"], record["error"], record["summary"]) == (
        "FAILED",
        "TrainJobFailed",
        MESSAGE,
    )
    assert stage.holder() is None
    [fact] = stage.facts()
    assert (fact["event"], fact["summary"]) == ("run failed", MESSAGE)


def test_the_workflow_and_its_status_event_are_one_occurrence(
    stage: Stage, context: Context, load_event: Load
) -> None:
    open_for(context, RUN)
    first = report_failure.handler(load_event("report_failure"), context)
    event = load_event("report_failure_status")
    event["detail"] |= {"status": "FAILED", "error": first["error"], "cause": first["message"]}

    assert report_failure.handler(event, context) == first
    assert len(stage.facts()) == 1


def test_a_stopped_run_releases_its_lock(stage: Stage, context: Context, load_event: Load) -> None:
    open_for(context, RUN)

    reported = report_failure.handler(load_event("report_failure_status"), context)

    assert (reported["error"], reported["message"]) == ("Execution.ABORTED", "the run was stopped")
    assert stage.holder() is None


def test_whoever_waits_behind_a_failed_run_is_started(
    stage: Stage, context: Context, load_event: Load
) -> None:
    open_for(context, RUN)
    open_for(context, WAITING)

    reported = report_failure.handler(load_event("report_failure"), context)

    assert stage.executions() == [reported["started_next"]]
    assert stage.holder() == reported["started_next"]


def test_a_report_that_failed_halfway_is_made_again(
    stage: Stage, context: Context, load_event: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_for(context, RUN)
    open_for(context, WAITING)

    def unreachable(fact: object) -> None:
        raise ConnectionError("the bus cannot be reached")

    with monkeypatch.context() as broken:
        broken.setattr(gateways.stage().events, "put", unreachable)
        with pytest.raises(ConnectionError):
            report_failure.handler(load_event("report_failure"), context)
    reported = report_failure.handler(load_event("report_failure"), context)

    assert stage.executions() == [reported["started_next"]]
    assert len(stage.facts()) == 1


def test_a_report_whose_function_was_killed_is_made_by_the_next_event(
    stage: Stage, context: Context, load_event: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left that says a report is being made when nobody makes it any more."""
    open_for(context, RUN)

    def killed(fact: object) -> None:
        raise KilledError

    with monkeypatch.context() as broken:
        broken.setattr(gateways.stage().events, "put", killed)
        with pytest.raises(KilledError):
            report_failure.handler(load_event("report_failure"), context)
    report_failure.handler(load_event("report_failure_status"), context)

    assert stage.record()["status"] == "FAILED"
    assert len(stage.facts()) == 1


def test_a_stopped_run_that_is_redriven_asks_for_the_lock_anew_and_releases_it_again(
    stage: Stage, context: Context, load_event: Load
) -> None:
    open_for(context, RUN)
    stopped = load_event("report_failure_status")
    report_failure.handler(stopped, context)

    redriven = open_for(context, RUN)
    assert (redriven["outcome"], stage.holder()) == ("new", RUN)
    assert stage.record()["status"] == "RUNNING"
    stopped["detail"]["redriveCount"] = 1
    report_failure.handler(stopped, context)

    assert stage.holder() is None
    assert stage.record()["status"] == "FAILED"
    assert len(stage.facts()) == 2


def test_a_redriven_run_that_fails_again_is_told_with_its_own_reason_and_once(
    stage: Stage, context: Context, load_event: Load
) -> None:
    open_for(context, RUN)
    report_failure.handler(load_event("report_failure_status"), context)

    reported = report_failure.handler(load_event("report_failure") | {"redrives": 1}, context)
    ended = load_event("report_failure_status")
    ended["detail"] |= {"status": "FAILED", "redriveCount": 1}
    ended["detail"] |= {"error": reported["error"], "cause": reported["message"]}

    assert reported["message"] == MESSAGE
    assert stage.record()["summary"] == MESSAGE
    assert report_failure.handler(ended, context) == reported
    assert [told["summary"] for told in stage.facts()] == ["the run was stopped", MESSAGE]


def test_a_redriven_run_waits_behind_the_one_that_holds_the_lock_by_now(
    stage: Stage, context: Context, load_event: Load
) -> None:
    open_for(context, RUN)
    report_failure.handler(load_event("report_failure_status"), context)
    open_for(context, WAITING)

    redriven = open_for(context, RUN)

    assert (redriven["outcome"], redriven["behind"]) == ("queued", WAITING)


def test_a_run_without_the_lock_leaves_it_where_it_is(
    stage: Stage, context: Context, load_event: Load
) -> None:
    open_for(context, WAITING)

    report_failure.handler(load_event("report_failure"), context)

    assert stage.holder() == WAITING


def test_a_run_that_was_closed_well_is_not_made_a_failure(
    stage: Stage, context: Context, load_event: Load
) -> None:
    open_for(context, RUN)
    close_run.handler(load_event("close_run"), context)

    report_failure.handler(load_event("report_failure_status"), context)

    assert stage.record()["status"] == "SUCCEEDED"


@pytest.mark.parametrize("model", ["", "No Such Model!", "x" * 5000])
def test_a_request_that_names_no_model_is_still_told(
    stage: Stage, context: Context, model: str
) -> None:
    event = {"run": "Odd Name", "model": model, "error": "RunRequestError", "cause": "so"}

    reported = report_failure.handler(event, context)

    assert (reported["model"], reported["message"]) == (None, "so")
    assert [fact["model"] for fact in stage.facts()] == [None]


def test_what_open_run_refuses_reaches_the_reader_in_its_own_words(
    stage: Stage, context: Context
) -> None:
    stage.s3.delete_object(Bucket="kanmon-test-data", Key="datasets/churn/customers.csv")
    with pytest.raises(Exception, match="no data there") as raised:
        open_for(context, RUN)
    assert stage.holder() == RUN

    reported = report_failure.handler(
        {
            "run": RUN,
            "model": "churn",
            "error": raised.typename,
            "cause": f'{{"errorType": "{raised.typename}", "errorMessage": "{raised.value}"}}',
        },
        context,
    )

    assert reported["message"] == str(raised.value)
    assert stage.holder() is None
