"""What a run tries again, and what it does not."""

import pytest

from tests.support.playing import ANSWERS, COMPLETED, LOST, Refused, play


def test_a_release_that_differs_from_what_was_stored_is_not_tried_again() -> None:
    played = play({"Open Release": [Refused("ReleaseChangedError", "other bytes")]})

    assert len(played.services.asked("Open Release")) == 1
    assert played.path[-2:] == ["Report Failure", "Run Failed"]


def test_two_lost_jobs_in_a_run_are_enough() -> None:
    played = play({"Preprocess": [LOST, COMPLETED], "Train": [LOST]})

    assert len(played.services.asked("Preprocess")) == 2
    assert len(played.services.asked("Train")) == 2
    assert played.outcome.status == "FAILED"


@pytest.mark.parametrize("code", ["ThrottlingException", "ResourceLimitExceededException"])
def test_a_job_that_could_not_start_is_tried_under_the_next_name(code: str) -> None:
    played = play({"Train": [Refused(code), Refused(code), COMPLETED]})

    jobs = [request["ProcessingJobName"][-1] for request in played.services.asked("Train")]
    assert jobs == ["0", "1", "2"]
    assert played.outcome.status == "SUCCEEDED"


@pytest.mark.parametrize("name", ["Open Run", "Open Release", "Close Run"])
def test_a_busy_table_is_waited_for(name: str) -> None:
    busy = Refused("ProvisionedThroughputExceededException")

    played = play({name: [busy, busy, ANSWERS[name]]})

    assert len(played.services.asked(name)) == 3
    assert played.outcome.status == "SUCCEEDED"


def test_a_wrong_request_is_not_repeated() -> None:
    played = play({"Open Run": [Refused("RunRequestError", "model: write a name")]})

    assert len(played.services.asked("Open Run")) == 1
