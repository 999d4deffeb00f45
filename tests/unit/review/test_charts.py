"""Where things go in the drawings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.reading import Estimate
from core.review.charts import Scale, around, difference_chart, interval_chart, strip, ticks
from core.words.metrics import MetricFormat

finite_floats = st.floats(allow_nan=False, allow_infinity=False)
estimates = st.builds(
    lambda value, ends: Estimate(value, min(ends), max(ends)),
    finite_floats,
    st.tuples(finite_floats, finite_floats),
)


@given(finite_floats, finite_floats, finite_floats)
def test_a_scale_keeps_everything_inside(low: float, high: float, value: float) -> None:
    scale = Scale(low, high, 10, 110)

    assert 10 <= scale.at(value) <= 110
    if low < high:
        assert (scale.at(low), scale.at(high)) == (10, 110)


@given(st.lists(finite_floats, min_size=1, max_size=6))
def test_an_axis_has_a_few_ticks_in_order(values: list[float]) -> None:
    found = ticks(around(values, 0, 320))

    assert 1 <= len(found) <= 5
    assert [tick.at for tick in found] == sorted(tick.at for tick in found)
    assert all(0 <= tick.at <= 320 for tick in found)


def test_ticks_are_round_numbers() -> None:
    assert [tick.label for tick in ticks(Scale(2.01, 2.19, 0, 320))] == ["2.05", "2.10", "2.15"]
    assert [tick.label for tick in ticks(Scale(-8, 10, 0, 320))] == ["−5", "0", "5", "10"]


def test_better_is_always_to_the_right_of_zero() -> None:
    lower_by_one = Estimate(-1.0, -2.0, -0.5)

    assert strip(lower_by_one, 2.0, "lower", 100).at > 50
    assert strip(lower_by_one, 2.0, "higher", 100).at < 50
    assert strip(Estimate(0.0, None, None), 2.0, "lower", 100).at == 50


@given(estimates, st.sampled_from(["lower", "higher"]))
def test_a_difference_stays_in_its_drawing(difference: Estimate, better: str) -> None:
    chart = difference_chart("RMSE", difference, better, MetricFormat(3))

    assert 0 <= chart.strip.low <= chart.strip.high <= 320
    assert chart.ticks[len(chart.ticks) // 2].label == "0"


def test_a_drawing_says_in_words_what_it_shows() -> None:
    models = [("candidate", Estimate(2.0931, 2.008, 2.174)), ("champion", None)]

    assert interval_chart("RMSE", models, MetricFormat(3)).description == (
        "RMSE: candidate 2.093, 95 % interval 2.008 to 2.174; champion not computed."
    )
