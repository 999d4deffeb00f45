"""The steps of a run as functions, and what happens where a function fails."""

import pytest

from tests.support.playing import Refused, play
from tests.support.scenarios import scenario
from tests.support.workflow_definition import LAMBDA_STATES, ON_LAMBDA, SAMPLE_RUN, STEP_STATES


def test_a_step_that_is_a_function_starts_no_job_and_leaves_its_results_in_its_attempt() -> None:
    played = scenario("the steps are functions")

    assert [name for name in played.path if name in STEP_STATES] == []
    at = {step: f"{SAMPLE_RUN['attempts']}/{step}-0/{step}" for step in SAMPLE_RUN["rungs"]}
    [train] = played.services.asked("Train On Lambda")
    assert train["inputs"]["train"] == f"{at['preprocess']}/train/"
    [evaluate] = played.services.asked("Evaluate On Lambda")
    assert evaluate["inputs"] == {
        "run": f"{SAMPLE_RUN['prefix']}/run.json",
        "test": f"{at['preprocess']}/test/",
        "report": f"{at['preprocess']}/report/",
        "model": f"{at['train']}/",
    }
    [judge] = played.services.asked("Judge Candidate")
    assert judge["at"] == at
    assert judge["ran"]["train"] == {"rung": "lambda", "memory_mb": 3008, "seconds": 2.5}
    assert judge["left_lambda"] == {}


@pytest.mark.parametrize("name", LAMBDA_STATES)
def test_a_function_that_fails_by_the_steps_own_sentence_fails_the_run(name: str) -> None:
    played = scenario(f"{name} fails as a function by the step's own sentence")

    assert played.path[-3:] == [name, "Report Failure", "Run Failed"]
    [report] = played.services.asked("Report Failure")
    assert (report["error"], "fix the data" in report["cause"]) == ("StepFailedError", True)


@pytest.mark.parametrize("name", LAMBDA_STATES)
def test_a_function_that_fails_in_any_other_way_goes_on_as_a_job(name: str) -> None:
    played = scenario(f"{name} fails as a function")

    step = name.removesuffix(" On Lambda")
    assert played.path[played.path.index(name) + 1] == step
    assert played.outcome.status == "SUCCEEDED"
    [judge] = played.services.asked("Judge Candidate")
    assert judge["ran"][step.lower()]["rung"] == "processing"
    assert judge["at"][step.lower()] == f"{SAMPLE_RUN['prefix']}/{step.lower()}"
    assert judge["left_lambda"][step.lower()]["Error"] == "Runtime.ExitError"
    # The steps after it read from the job's folder, the steps before it from their attempts'.
    following = STEP_STATES[STEP_STATES.index(step) + 1 :]
    assert all(judge["ran"][each.lower()]["rung"] == "lambda" for each in following)


# The last two: a function that was not called for weeks and is made active again.
@pytest.mark.parametrize(
    "code",
    ["TooManyRequestsException", "ResourceConflictException", "ResourceNotReadyException"],
)
def test_a_retry_of_a_function_writes_to_another_folder(code: str) -> None:
    played = play(
        {
            "Open Run": [ON_LAMBDA],
            "Train On Lambda": [
                Refused(f"Lambda.{code}"),
                {"at": "s3://there", "memory_mb": 3008, "seconds": 1},
            ],
        }
    )

    asked = [each["attempt"] for each in played.services.asked("Train On Lambda")]
    assert asked == ["train-0", "train-1"]
    [judge] = played.services.asked("Judge Candidate")
    assert judge["at"]["train"] == "s3://there"


def test_a_function_that_stays_inactive_leaves_its_step_to_a_job() -> None:
    inactive = [Refused("Lambda.ResourceConflictException")]
    played = play({"Open Run": [ON_LAMBDA], "Train On Lambda": inactive})

    assert len(played.services.asked("Train On Lambda")) == 5
    assert len(played.services.asked("Train")) == 1
    assert played.outcome.status == "SUCCEEDED"
