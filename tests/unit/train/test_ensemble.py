"""Thresholds: every float32 must take the side that LightGBM's float64 comparison sends it to."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from train.ensemble import float32_at_most

FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(value=FLOAT32, threshold=st.floats(allow_nan=False, allow_infinity=False))
@example(value=float(np.float32(0.1)), threshold=0.1)  # rounding 0.1 to float32 lifts it
@example(value=16777217.0, threshold=16777216.5)  # two neighbours' middle, which rounds to even
@example(value=3.4e38, threshold=1e300)  # LightGBM's largest threshold
def test_a_rounded_threshold_sends_no_row_another_way(value, threshold):
    assert (value <= float32_at_most(threshold)) == (value <= threshold)
