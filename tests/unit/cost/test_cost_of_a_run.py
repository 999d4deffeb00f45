"""The cost of a run's jobs."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from core.cost.prices import SAMPLE, Prices
from core.cost.reported import cost


@given(
    st.sampled_from([*SAMPLE.hourly["processing"], "ml.p9.huge"]),
    st.one_of(st.none(), st.just(math.nan), st.floats(0, 1e6)),
    st.integers(1, 10),
)
def test_a_cost_is_the_whole_or_not_known(kind: str, seconds: float | None, count: int) -> None:
    machine = {"instance_type": kind, "instance_count": count}
    reports = {"preprocess": {"seconds": 1.0}, "train": {"seconds": seconds}}

    estimated = cost(
        reports, {"preprocess": {"instance_type": "ml.m5.large"}, "train": machine}, SAMPLE
    )

    json.dumps(estimated, allow_nan=False)
    known = seconds is not None and math.isfinite(seconds) and SAMPLE.an_hour(kind) is not None
    assert (estimated["usd"] is not None) is known


@given(st.floats(0, 900), st.integers(128, 10_240))
def test_a_step_as_a_function_costs_its_memory_for_its_time_and_one_call(
    seconds: float, memory_mb: int
) -> None:
    place = {"rung": "lambda", "memory_mb": memory_mb}

    estimated = cost({"train": {"seconds": seconds}}, {"train": place}, SAMPLE)

    per_second = memory_mb / 1024 * 0.0000166667
    assert estimated["usd"] == round(per_second * seconds + 0.0000002, 8)


def test_a_step_as_a_training_job_has_the_price_of_one() -> None:
    prices = Prices("r", "2026-11", hourly={"training": {"ml.m5.large": 0.36}})
    place = {"rung": "training", "instance_type": "ml.m5.large", "instance_count": 2}

    assert cost({"train": {"seconds": 10.0}}, {"train": place}, prices)["usd"] == 0.002


def test_a_spot_machine_costs_its_billed_share_and_the_rest_is_saved() -> None:
    prices = Prices("r", "2026-11", hourly={"training": {"ml.m5.large": 0.72}})
    place = {"rung": "spot", "instance_type": "ml.m5.large", "instance_count": 1}
    billed = {"training_seconds": 200, "billable_seconds": 50}

    found = cost({"train": {"seconds": 100.0}}, {"train": {**place, **billed}}, prices)
    assert (found["usd"], found["saved_usd"]) == (0.005, 0.015)
    # Without its times nothing is known of what it saved.
    unknown = cost({"train": {"seconds": 100.0}}, {"train": place}, prices)
    assert unknown["usd"] == 0.02
    assert "saved_usd" not in unknown


def test_a_function_is_paid_for_while_it_brings_and_stores_files() -> None:
    place = {"rung": "lambda", "memory_mb": 2048, "seconds": 4.0}

    estimated = cost({"train": {"seconds": 2.5}}, {"train": place}, SAMPLE)

    assert estimated["seconds"] == {"train": 2.5}
    assert estimated["usd"] == round(2 * 4 * 0.0000166667 + 0.0000002, 8)


def test_a_function_of_unknown_memory_or_time_has_no_cost() -> None:
    for used, place in (({}, {"memory_mb": 2048}), ({"seconds": 1.0}, {})):
        assert cost({"train": used}, {"train": {"rung": "lambda", **place}}, SAMPLE)["usd"] is None


def test_a_small_cost_is_not_rounded_away() -> None:
    machine = {"instance_type": "ml.m5.large"}

    estimated = cost({"train": {"seconds": 0.36}}, {"train": machine}, SAMPLE)

    assert estimated["usd"] == 0.0000115
