"""Where a step computes: the rule, without a stage."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.definition.search import Dimension, Search
from core.runs.rungs import (
    LARGEST_FIRST_MB,
    LARGEST_SEARCHED_MB,
    Rung,
    Seen,
    Wish,
    rung_of,
    text_mb,
)
from core.runs.seen import ran_of, seen_by, seen_of
from core.stage.images import StepFunctions
from tests.support.control_cases import DEFINITION

DIGEST = "sha256:" + "1" * 64
IMAGE = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/kanmon-dev-steps@{DIGEST}"
FUNCTIONS = StepFunctions({"preprocess": DIGEST, "train": DIGEST}, 3008)
SMALL = 10.0


def rung(wish: Wish, mb: float = SMALL, seen: Seen | None = None, **changes: Any) -> Rung:
    return rung_of("train", wish, mb, changes.get("image", IMAGE), FUNCTIONS, seen)


def test_small_data_is_a_functions_and_large_data_a_jobs() -> None:
    assert rung(Wish("auto")) == Rung("lambda", "fits")
    assert rung(Wish("auto"), LARGEST_FIRST_MB + 1) == Rung("processing", "too large")


def test_what_the_definition_asks_for_is_done_whatever_the_size() -> None:
    assert rung(Wish("processing")) == Rung("processing", "asked")
    assert rung(Wish("lambda"), 100 * LARGEST_FIRST_MB) == Rung("lambda", "asked")
    assert rung(Wish("auto", hosts=4)) == Rung("training", "asked")
    assert rung_of("preprocess", Wish("auto", hosts=4), SMALL, IMAGE, FUNCTIONS).ran == "processing"


def test_a_machine_that_the_request_names_is_a_jobs() -> None:
    assert rung(Wish("lambda", machine=True)) == Rung("processing", "asked")


def test_without_a_function_or_with_one_of_another_image_it_is_a_job() -> None:
    assert rung_of("evaluate", Wish("lambda"), SMALL, IMAGE, FUNCTIONS).why == "no function"
    other = IMAGE.replace("1" * 64, "2" * 64)
    assert rung(Wish("lambda"), image=other) == Rung("processing", "other image")


def test_a_step_that_may_use_more_memory_than_a_function_has_is_a_job() -> None:
    assert rung(Wish("auto", setting_mb=2048)).ran == "lambda"
    assert rung(Wish("auto", setting_mb=2500)) == Rung("processing", "memory")


def test_a_step_that_outgrew_lambda_starts_as_a_job_until_its_data_is_smaller() -> None:
    grew = Seen(100.0, outgrew_mb=100.0, seconds=20.0, peak_memory_mb=900.0)

    assert rung(Wish("auto"), 100.0, grew) == Rung("processing", "outgrew")
    assert rung(Wish("auto"), 90.0, grew) == Rung("processing", "outgrew")
    assert rung(Wish("auto"), 70.0, grew) == Rung("lambda", "fits")


def test_what_the_last_run_used_decides_better_than_the_size() -> None:
    light = Seen(1000.0, seconds=60.0, peak_memory_mb=700.0)

    assert rung(Wish("auto"), 1000.0, light) == Rung("lambda", "fits")
    assert rung(Wish("auto"), 2000.0, light) == Rung("lambda", "fits")
    assert rung(Wish("auto"), 4000.0, light) == Rung("processing", "too large")
    slow = Seen(10.0, seconds=600.0, peak_memory_mb=100.0)
    assert rung(Wish("auto"), 10.0, slow) == Rung("processing", "too large")
    # Less data is not taken to need less memory: libraries need theirs anyway.
    assert rung(Wish("auto"), 1.0, Seen(1000.0, peak_memory_mb=2900.0)).ran == "processing"


def test_time_on_many_processors_is_counted_as_on_a_functions() -> None:
    fast = Seen(10.0, seconds=300.0, cpu_seconds=4000.0, peak_memory_mb=100.0)

    assert rung(Wish("auto"), 10.0, fast) == Rung("processing", "too large")
    assert rung(Wish("auto"), 10.0, replace(fast, cpu_seconds=500.0)).ran == "lambda"


def test_a_step_that_fills_a_functions_disk_is_a_job() -> None:
    full = Seen(10.0, seconds=30.0, peak_memory_mb=100.0, disk_mb=7000.0)

    assert rung(Wish("auto"), 10.0, full).ran == "lambda"
    assert rung(Wish("auto"), 13.0, full) == Rung("processing", "too large")


def test_a_run_that_left_no_figures_decides_nothing_large() -> None:
    assert rung(Wish("auto"), SMALL, Seen(SMALL)).ran == "lambda"
    assert rung(Wish("auto"), LARGEST_FIRST_MB + 1, Seen(SMALL)).ran == "processing"


@given(st.floats(0, 1e6), st.floats(0.001, 1e6), st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_data_never_moves_a_step_to_lambda(
    mb: float, seen_mb: float, seconds: float, peak: float
) -> None:
    seen = Seen(seen_mb, seconds=seconds, peak_memory_mb=peak)

    if rung(Wish("auto"), mb, seen).ran == "processing":
        assert rung(Wish("auto"), mb * 2, seen).ran == "processing"


def test_compressed_files_count_as_their_text() -> None:
    assert text_mb([("a.CSV.GZ", 1 << 20), ("b.parquet", 1 << 20), ("c.csv", 1 << 20)]) == 17


def test_a_step_that_left_lambda_says_why_in_one_line() -> None:
    error = {
        "Error": "StepOutgrewError",
        "Cause": '{"errorType": "StepOutgrewError", "errorMessage": "train used 3,000 MB"}',
    }

    ran = ran_of(
        {"train": {"rung": "processing", "instance_type": "ml.m5.large"}}, {"train": error}, {}
    )

    assert ran == {
        "train": {
            "rung": "processing",
            "instance_type": "ml.m5.large",
            "left_lambda": "StepOutgrewError: train used 3,000 MB",
        }
    }


def test_a_step_without_a_spot_machine_says_why_in_one_line() -> None:
    cause = {
        "TrainingJobName": "kanmon-dev-abalone-261121055501-x7k-train-spot0",
        "TrainingJobStatus": "Stopped",
        "SecondaryStatus": "MaxWaitTimeExceeded",
        # Not its own limit: it was there for longer than it may work, but interrupted again.
        "TrainingStartTime": 0,
        "TrainingEndTime": 9_000_000,
        "StoppingCondition": {"MaxRuntimeInSeconds": 7200, "MaxWaitTimeInSeconds": 9000},
    }

    ran = ran_of({}, {}, {"train": {"Error": "States.TaskFailed", "Cause": json.dumps(cause)}})

    words = "train: no spot machine was free for long enough within 150 minutes"
    assert ran == {"train": {"left_spot": words}}


@pytest.mark.parametrize("seen", [None, Seen(SMALL, outgrew_mb=SMALL)])
def test_spot_is_asked_for_anew_in_every_run_and_keeps_a_machine_that_the_run_names(
    seen: Seen | None,
) -> None:
    assert rung(Wish("spot"), seen=seen) == Rung("spot", "asked")
    assert rung(Wish("spot", machine=True), seen=seen) == Rung("spot", "asked")


def plan(mb: float, outgrew_mb: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"snapshot": {"text_mb": mb}, "outgrew_mb": outgrew_mb or {}}


def test_what_a_run_has_seen_comes_back_as_it_was_kept() -> None:
    ran = {"train": {"rung": "processing"}, "evaluate": {"rung": "lambda"}}
    usage = {"evaluate": {"seconds": 2.5, "cpu_seconds": 3.5, "peak_memory_mb": 180, "disk_mb": 4}}

    kept = seen_by(ran, {"train": {"Error": "StepOutgrewError"}}, usage, plan(12.5))

    assert seen_of(kept["train"]) == Seen(12.5, outgrew_mb=12.5)
    assert seen_of(kept["evaluate"]) == Seen(12.5, None, 2.5, 3.5, 180.0, 4.0)


def later(before: Seen | None, ran: Rung, error: str | None, mb: float) -> Seen | None:
    """What the run after next is told, when the next ran so."""
    left = {"train": {"Error": error}} if error else {}
    place = {"train": {"rung": "processing" if error else ran.ran}}
    known = {"train": before.outgrew_mb} if before else {}
    return seen_of(seen_by(place, left, {}, plan(mb, known))["train"])


def test_run_after_run_a_step_that_outgrew_lambda_stays_a_job() -> None:
    seen: Seen | None = None
    places = []
    for _ in range(4):
        place = rung(Wish("auto"), 50.0, seen)
        places.append(place.why)
        error = "Sandbox.Timedout" if place.ran == "lambda" else None
        seen = later(seen, place, error, 50.0)

    assert places == ["fits", "outgrew", "outgrew", "outgrew"]
    assert rung(Wish("auto"), 39.0, seen) == Rung("lambda", "fits")


@pytest.mark.parametrize(
    "error",
    ["Lambda.TooManyRequestsException", "ImageReplacedError", "StepCrashedError"],
)
def test_an_error_that_has_nothing_to_do_with_size_is_forgotten_by_the_next_run(
    error: str,
) -> None:
    place = rung(Wish("auto"))

    assert rung(Wish("auto"), SMALL, later(None, place, error, SMALL)).ran == "lambda"


def test_a_step_that_fits_again_has_not_outgrown_lambda_any_more() -> None:
    grew = Seen(100.0, outgrew_mb=100.0)
    smaller = rung(Wish("auto"), 70.0, grew)

    assert later(grew, smaller, None, 70.0) == Seen(70.0)


@pytest.mark.parametrize("document", [None, {}, {"mb": "much"}, [], {"mb": True}])
def test_what_cannot_be_read_counts_as_not_seen(document: object) -> None:
    assert seen_of(document) is None


def test_a_search_trains_often_so_it_is_a_jobs_sooner_whatever_was_seen_without_it() -> None:
    often = Wish("auto", trials=50)
    light = Seen(10.0, seconds=3.0, peak_memory_mb=200.0)

    assert rung(often, LARGEST_SEARCHED_MB / 50) == Rung("lambda", "fits")
    assert rung(often, LARGEST_SEARCHED_MB / 50 + 1) == Rung("processing", "too large")
    assert rung(often, 10.0, light) == Rung("processing", "too large")
    assert rung(Wish("lambda", trials=50), 10.0) == Rung("lambda", "asked")


def test_only_train_searches() -> None:
    space = {"eta": Dimension(low=0.1, high=0.5)}
    searching = DEFINITION.model_copy(update={"search": Search(trials=30, space=space)})

    assert Wish.of(searching, "train").trials == 30
    assert Wish.of(searching, "preprocess").trials == 1
    assert Wish.of(DEFINITION, "train").trials == 1
