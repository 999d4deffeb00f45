"""The cost of a run's jobs."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from core.cost.prices import SAMPLE
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


def test_a_small_cost_is_not_rounded_away() -> None:
    machine = {"instance_type": "ml.m5.large"}

    estimated = cost({"train": {"seconds": 0.36}}, {"train": machine}, SAMPLE)

    assert estimated["usd"] == 0.0000115
