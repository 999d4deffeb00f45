"""Which machine would have done for a step."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cost.prices import SAMPLE, Prices
from core.definition.instance_types import PROCESSING
from core.usage.machines import machine
from core.usage.places import places
from core.usage.sizing import HEADROOM, MEMORY_KEPT_MB, Sizing, sizing, smallest
from core.usage.sizing_words import place_words, sizing_words
from core.words.language import Speech, speaking

USED: dict[str, Any] = {
    "seconds": 30.0,
    "cpu_seconds": 36.0,
    "peak_memory_mb": 412,
    "disk_mb": 200,
    "processors": 2,
}


def on(name: str | None = "ml.m5.large", **more: Any) -> dict[str, Any]:
    return {"rung": "processing", "instance_type": name, "volume_gb": 30, **more}


def words(used: dict[str, Any], place: dict[str, Any], prices: Prices = SAMPLE) -> str:
    return sizing_words(vars(sizing(USED | used, place, prices)))


@pytest.mark.parametrize(
    ("used", "place", "said"),
    [
        ({}, on("ml.m5.xlarge"), "fits ml.t3.medium (peak 412 MB of 4 GB)"),
        ({}, on("ml.t3.medium"), "fits ml.t3.medium, the smallest (peak 412 MB of 4 GB)"),
        # Two processors are too few for three that were busy, and t3 has four at its next size.
        ({"cpu_seconds": 90}, on("ml.m5.4xlarge"), "fits ml.t3.xlarge (peak 412 MB of 16 GB)"),
        # Work for longer than t3 lends its processors.
        (
            {"seconds": 900, "cpu_seconds": 1000},
            on("ml.m5.xlarge"),
            "fits ml.m5.large (peak 412 MB of 8 GB)",
        ),
        (
            {"peak_memory_mb": 6000},
            on(),
            "ml.m5.large is nearly too small (peak 6,000 MB of 8 GB); ml.r5.large has room",
        ),
        (
            {"peak_memory_mb": 900_000},
            on("ml.m5.24xlarge"),
            "ml.m5.24xlarge is nearly too small (peak 879 GB of 384 GB), and no larger machine has "
            "a price here",
        ),
        (
            {"disk_mb": 27_000},
            on("ml.t3.medium"),
            "fits ml.t3.medium, the smallest (peak 412 MB of 4 GB); 26.4 GB of 30 GB of disk used: "
            "raise volume_gb",
        ),
        (
            {"seconds": 200, "cpu_seconds": 395},
            on("ml.t3.medium"),
            "fits ml.t3.medium, the smallest (peak 412 MB of 4 GB); all 2 processors were busy: "
            "with more it would be faster",
        ),
        (
            {},
            {"rung": "lambda", "memory_mb": 3008},
            "fits the function (peak 412 MB of 3,008 MB); as a job ml.t3.medium",
        ),
        # Its size is not kept here, so it may be any.
        ({}, on("ml.p3.2xlarge"), "fits ml.t3.medium (peak 412 MB of 4 GB)"),
        ({"peak_memory_mb": None}, on(), "not measured"),
    ],
)
def test_the_words_for_what_a_step_used(
    used: dict[str, Any], place: dict[str, Any], said: str
) -> None:
    assert words(used, place) == said


def test_without_prices_no_machine_is_known_to_fit() -> None:
    none = Prices("eu-west-1", "2026-11")

    assert words({}, on(), none) == "peak 412 MB; no machine with a price here is known to fit"
    place = {"rung": "lambda", "memory_mb": 3008}
    assert words({}, place, none) == "fits the function (peak 412 MB of 3,008 MB)"


def test_a_machine_without_a_price_of_its_own_is_smaller_if_it_has_less_memory() -> None:
    prices = Prices("r", "2026-11", hourly={"processing": {"ml.m5.xlarge": 0.2}})

    assert sizing(USED, on("ml.c5.xlarge"), prices).outcome == "smallest"
    assert sizing(USED, on("ml.r5.xlarge"), prices).outcome == "smaller"


def test_a_training_job_gets_a_machine_that_training_jobs_have() -> None:
    hourly = {"processing": {"ml.t3.medium": 0.05}, "training": {"ml.m5.large": 0.1}}
    prices = Prices("r", "2026-11", hourly=hourly)
    place = {"rung": "training", "instance_type": "ml.m5.xlarge", "instance_count": 2}

    assert sizing(USED, place, prices).fits == "ml.m5.large"


def test_what_a_step_worked_on_has_the_number_of_its_machines() -> None:
    def told(place: dict[str, Any]) -> str:
        return place_words(vars(sizing(USED, place, SAMPLE)))

    assert told(on(instance_count=4)) == "4 × ml.m5.large"
    assert told(on()) == "ml.m5.large"
    assert told({"rung": "lambda", "memory_mb": 2048}) == "Lambda, 2 GB"


def test_a_spot_machine_is_named_with_the_share_that_it_saved() -> None:
    def words(**times: int) -> str:
        place = {"rung": "spot", "instance_type": "ml.m5.large", "instance_count": 1, **times}
        return place_words(vars(sizing(USED, place, SAMPLE)))

    assert words(training_seconds=100, billable_seconds=37) == "ml.m5.large, spot, 63 % saved"
    assert words(training_seconds=1, billable_seconds=1) == "ml.m5.large, spot"
    assert words() == "ml.m5.large, spot"


def test_a_run_of_an_earlier_version_is_not_measured() -> None:
    [place, *_] = places({"preprocess": {"instance_type": "ml.m5.large"}}).values()

    found = sizing({}, place, SAMPLE)

    assert (found, sizing_words(vars(found))) == (
        Sizing("unknown", had="ml.m5.large", memory_mb=8192),
        "not measured",
    )
    assert sizing_words({}) == "not measured"


def test_in_japanese_it_says_the_same() -> None:
    with speaking(Speech("ja")):
        assert words({}, on()) == "ml.t3.medium で足ります（最大 412 MB／4 GB）"


@given(
    st.floats(1, 500_000),
    st.floats(0, 100),
    st.floats(0, 100_000),
)
def test_the_machine_that_fits_has_room_and_no_cheaper_one_has(
    peak: float, busy: float, cpu: float
) -> None:
    found = smallest(peak, busy, cpu, SAMPLE)

    priced = SAMPLE.hourly["processing"]
    larger = [machine(name) for name in priced if not name.startswith("ml.t3.")]
    fitting = [
        each
        for each in larger
        if each
        and each.memory_mb >= peak * HEADROOM + MEMORY_KEPT_MB
        and each.processors >= busy - 0.1
    ]
    if found is None:
        assert fitting == []
        return
    assert found.memory_mb >= peak * HEADROOM + MEMORY_KEPT_MB
    assert found.processors >= busy - 0.1
    assert all(priced[found.name] <= priced[each.name] for each in fitting)


def test_the_sizes_are_those_of_the_machines_that_a_job_may_have() -> None:
    """All but those with graphics processors, which no step uses."""
    unknown = {name.split(".")[1] for name in PROCESSING if machine(name) is None}

    assert unknown == {"c4", "g4dn", "g5", "g6", "g6e", "g7", "g7e", "p2", "p3", "p5"}
    assert all(machine(name) for name in SAMPLE.hourly["processing"])


@pytest.mark.parametrize(
    ("name", "processors", "memory_gb"),
    [
        ("ml.t3.medium", 2, 4),
        ("ml.t3.large", 2, 8),
        ("ml.t3.2xlarge", 8, 32),
        ("ml.m5.large", 2, 8),
        ("ml.m5.24xlarge", 96, 384),
        ("ml.m4.10xlarge", 40, 160),
        ("ml.c5.9xlarge", 36, 72),
        ("ml.c5.18xlarge", 72, 144),
        ("ml.r5.large", 2, 16),
        ("ml.c8i.96xlarge", 384, 768),
    ],
)
def test_a_machine_has_the_size_of_its_instance(name: str, processors: int, memory_gb: int) -> None:
    found = machine(name)

    assert found and (found.processors, found.memory_mb) == (processors, memory_gb * 1024)


@pytest.mark.parametrize("name", ["", None, "m5.large", "ml.m5", "ml.m5.huge", "ml.t3.4xlarge"])
def test_what_is_no_machine_has_no_size(name: str | None) -> None:
    assert machine(name) is None
