"""What the monitor workflow does beside what it shares with the score workflow."""

import pytest

from tests.support.one_job import ATTEMPTS, FAILING, MONITORING, scenario
from tests.support.playing import RUN
from tests.support.workflow_definition import (
    MONITOR,
    SAMPLE_MONITORING,
    evaluate,
    sample_variables,
    states,
)


def test_closing_learns_the_outcome_and_that_the_report_is_where_the_job_left_it() -> None:
    played = scenario(MONITORING, "all is well")

    [opened] = played.services.asked("Open Monitoring")
    assert opened == {"monitoring": RUN, "request": {"model": "abalone"}}
    [closed] = played.services.asked("Close Monitoring")
    assert closed == {
        "monitoring": RUN,
        "model": "abalone",
        "outcome": "to watch",
        "at": None,
        "left_lambda": None,
    }


def test_a_monitoring_that_is_a_function_starts_no_job_and_says_where_its_report_is() -> None:
    played = scenario(MONITORING, "it is a function")

    assert played.path[2:] == ["Monitor On Lambda", "Close Monitoring"]
    [closed] = played.services.asked("Close Monitoring")
    assert closed["at"] == f"{ATTEMPTS}/monitor-0/monitor"


def test_the_report_of_a_function_that_failed_is_not_looked_for() -> None:
    [closed] = scenario(MONITORING, "the function fails").services.asked("Close Monitoring")

    assert closed["at"] is None


def test_without_a_row_no_job_is_paid_for_and_the_monitoring_is_recorded_all_the_same() -> None:
    played = scenario(MONITORING, "no data")

    assert played.path == ["Open Monitoring", "Anything To See?", "Close Monitoring"]
    [closed] = played.services.asked("Close Monitoring")
    assert closed["outcome"] == "no data"
    assert played.outcome.status == "SUCCEEDED"


@pytest.mark.parametrize("name", FAILING)
def test_the_report_of_a_failure_hears_which_monitoring_failed(name: str) -> None:
    [report] = MONITORING.reports(scenario(MONITORING, name))

    assert (report["monitoring"], report["model"], report["redrives"]) == (RUN, "abalone", 0)


def test_the_job_reads_the_plan_and_the_releases_run_and_writes_its_report_beside_the_plan() -> (
    None
):
    task = states("Task", MONITOR)["Monitor"]
    request = evaluate(task["Arguments"], sample_variables())
    run, own = SAMPLE_MONITORING["run_prefix"], SAMPLE_MONITORING["prefix"]

    inputs = {one["InputName"]: one["S3Input"]["S3Uri"] for one in request["ProcessingInputs"]}
    assert inputs == {
        "plan": f"{own}/plan.json",
        "model": f"{run}/train/",
        "report": f"{run}/preprocess/report/",
        "evaluation": f"{run}/evaluate/",
        "test": f"{run}/preprocess/test/",
    }
    [output] = request["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == own
