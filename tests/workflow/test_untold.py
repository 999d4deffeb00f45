"""The bus takes no event: what was done stays done, and nobody is told that it failed."""

import pytest

from tests.support.playing import ANSWERS, RUN, Played, Refused, play
from tests.support.workflow_definition import MONITOR, RETRAIN, SCORE

REFUSED = Refused("EventNotTakenError", "the bus did not take it: ThrottlingException: later")
# How often a state asks: once, and by its Retry for up to half an hour.
ASKED = 5
CLOSING = {RETRAIN: "Close Run", SCORE: "Close Batch", MONITOR: "Close Monitoring"}


def told_late(workflow: str, refusals: int) -> Played:
    state = CLOSING[workflow]
    return play({state: [REFUSED] * refusals + [ANSWERS[state]]}, workflow=workflow)


@pytest.mark.parametrize("workflow", CLOSING)
def test_a_bus_that_is_busy_for_some_minutes_only_delays_the_end(workflow: str) -> None:
    played = told_late(workflow, refusals=ASKED - 1)

    assert (played.outcome.status, played.path[-1]) == ("SUCCEEDED", CLOSING[workflow])


@pytest.mark.parametrize("workflow", CLOSING)
def test_a_bus_that_takes_nothing_for_half_an_hour_makes_no_failure_of_what_went_well(
    workflow: str,
) -> None:
    played = play({CLOSING[workflow]: [REFUSED]}, workflow=workflow)

    assert (played.outcome.status, played.path[-1]) == ("SUCCEEDED", "Untold")
    assert len(played.services.asked(CLOSING[workflow])) == ASKED
    assert "ThrottlingException" in played.output["untold"]
    assert played.output["model"] == "abalone"


def test_a_release_whose_opening_could_not_be_told_leaves_its_run_good() -> None:
    played = play({"Open Release": [REFUSED]})

    assert (played.outcome.status, played.path[-2:]) == (
        "SUCCEEDED",
        ["Open Release", "Close Run"],
    )
    [closed] = played.services.asked("Close Run")
    assert (closed["run"], closed["outcome"]) == (RUN, "new")
