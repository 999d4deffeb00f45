"""Numbers, times, sizes and names as people read them."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.reading import Estimate
from core.words.formats import (
    alike,
    apart,
    clean,
    count,
    counted,
    duration,
    local_moment,
    moment,
    number,
    percent,
    shorten,
    signed,
    size,
)
from core.words.metrics import MetricFormat, metric_format

finite_floats = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (2.1034567, "2.103"),
        (0.05, "0.05"),  # typed by someone: no digits added
        (2.1000001, "2.100"),  # measured: its fourth digit is known
        (999.96, "1,000"),
        (12345.678, "12,346"),
        (-0.00001234, "−1.234×10⁻⁵"),
        (6.02214076e23, "6.022×10²³"),
        (0, "0"),
        (-0.0, "0"),
        (10**400, "not reported"),  # JSON can hold it, a float cannot
        (math.nan, "not reported"),
        (math.inf, "not reported"),
        (True, "not reported"),
        ("3", "not reported"),
        (None, "not reported"),
    ],
)
def test_a_number_has_four_significant_digits(value: object, written: str) -> None:
    assert number(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0.031, "+0.031"), (-0.031, "−0.031"), (0, "0"), (None, "not reported")]
)
def test_a_difference_shows_its_sign(value: object, written: str) -> None:
    assert signed(value) == written


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([4.1, 12.15, None], ["4.10", "12.15", "not reported"]),
        ([0.25, 0.5], ["0.25", "0.50"]),
        ([3.0, 1200.0], ["3", "1,200"]),
        ([1 / 3, 200 / 3], ["0.33", "66.67"]),
        ([0.0, -0.0], ["0", "0"]),
        ([1e-9, 1e300], ["1×10⁻⁹", "1×10³⁰⁰"]),
        ([], []),
    ],
)
def test_numbers_to_be_compared_have_the_same_decimals(
    values: list[float | None], written: list[str]
) -> None:
    assert alike(values) == written


def test_a_metric_its_interval_and_its_difference_share_their_decimals() -> None:
    write = metric_format(
        {
            "candidate": {"metrics": {"rmse": {"value": 2.09312, "low": 2.0081, "high": 2.1741}}},
            "champion": {"metrics": {"rmse": {"value": 2.1, "low": None, "high": None}}},
        },
        "rmse",
    )

    candidate = Estimate(2.09312, 2.0081, 2.1741)
    assert (write.value(candidate), write.interval(candidate)) == ("2.093", "2.008 to 2.174")
    assert write.value(Estimate(2.1, None, None)) == "2.100"
    assert write.difference(Estimate(-0.00688, -0.0799, 0.0034)) == (
        "−0.007",
        "−0.080 to +0.003",
    )


def test_a_small_difference_gets_the_decimals_that_it_needs() -> None:
    write = MetricFormat(3)

    assert write.difference(Estimate(0.00021, -0.0004, 0.0009)) == (
        "+0.00021",
        "−0.00040 to +0.00090",
    )
    assert write.difference(Estimate(0.0, 0.0, 0.0)) == ("0.000", "0.000 to 0.000")


def test_what_an_estimate_does_not_have_is_named_or_left_out() -> None:
    write = MetricFormat(1)

    assert (write.value(None), write.interval(None)) == ("not computed", "")
    assert write.interval(Estimate(2.5, None, None)) == ""
    assert write.difference(None) == ("not computed", "")
    assert write.difference(Estimate(2.5, None, None)) == ("+2.5", "")


@pytest.mark.parametrize(
    ("one", "other", "written"),
    [
        (0.1001, 0.1, ("10.01 %", "10 %")),
        (0.1, 0.1, ("10 %", "10 %")),
        (0.1234, 0.2, ("12.3 %", "20 %")),
        (0.07, 0.07000001, ("7 %", "7.000001 %")),
    ],
)
def test_shares_that_differ_do_not_look_alike(
    one: float, other: float, written: tuple[str, str]
) -> None:
    assert apart(one, other, percent) == written


@given(finite_floats, finite_floats)
def test_numbers_that_differ_do_not_look_alike(one: float, other: float) -> None:
    first, second = apart(one, other)

    assert (first == second) is (one == other)


@given(st.lists(finite_floats, max_size=4))
def test_every_finite_number_can_be_written(values: list[float]) -> None:
    assert all(0 < len(written) < 25 for written in alike([*values]))
    assert all(number(value) and percent(value) and count(value) for value in values)
    assert all(duration(value) and size(value) for value in values)


@pytest.mark.parametrize(
    ("words", "written"),
    [
        (count(1234567), "1,234,567"),
        (counted(1, "row"), "1 row"),
        (counted(1204, "row"), "1,204 rows"),
        (percent(0.1234), "12.3 %"),
        (percent(0.00004), "0.004 %"),  # not rounded away
        (duration(0.042), "42 ms"),
        (duration(3.21), "3.2 s"),
        (duration(59.96), "1 min 00 s"),
        (duration(7384), "2 h 03 min"),
        (duration(-1), "not reported"),
        (size(1), "1 B"),
        (size(191873), "192 kB"),
    ],
)
def test_amounts_have_their_unit(words: str, written: str) -> None:
    assert words == written


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-11-21T06:07:42Z", "2026-11-21 06:07:42 UTC"),
        ("2026-11-21T08:07:42+02:00", "2026-11-21 06:07:42 UTC"),
        ("2026-11-21T06:07:42", "2026-11-21 06:07:42 UTC"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),  # before the first year
        ("yesterday", "yesterday"),
        (None, "not reported"),
    ],
)
def test_a_moment_names_its_zone(value: object, shown: str) -> None:
    assert moment(value) == shown


def test_the_terminal_shows_moments_in_the_local_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert local_moment("2026-11-29T19:33:21Z") == "2026-11-29 20:33:21 CET"
        assert local_moment(None) == "–"
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.text())
def test_cleaned_text_holds_nothing_invisible_and_can_be_written(text: str) -> None:
    cleaned = clean(text)

    cleaned.encode()
    assert all(each.isprintable() or each in "\u200c\u200d" for each in cleaned)


def test_letters_of_all_scripts_stay_as_they_are() -> None:
    names = ["naïve café", "年齢", "سن", "می‌خواهم", "👩‍🔬", "Ω"]
    assert [clean(name) for name in names] == names


@given(st.text(), st.integers(8, 40))
def test_a_shortened_text_keeps_its_ends(text: str, limit: int) -> None:
    short = shorten(text, limit)

    assert len(short) <= limit
    assert short == text or (text.startswith(short[:3]) and text.endswith(short[-2:]))
