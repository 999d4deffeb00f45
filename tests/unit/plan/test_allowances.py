"""What people let the planner spend on top of a budget, as the table has it."""

import pytest

from core.stage.plan_table import allowed

GOOD = {"month": "2026-11", "usd": "2.50", "reason": "a quarter's end", "by": "ada"}


def test_the_allowances_of_a_month_are_those_of_that_month() -> None:
    item = {"allowances": [GOOD, {**GOOD, "month": "2026-10"}]}

    assert allowed(item, "2026-11") == [{**GOOD, "usd": 2.5}]


@pytest.mark.parametrize(
    "bad",
    [
        "x",
        None,
        {"month": "2026-11"},
        *({**GOOD, "usd": usd} for usd in ("abc", "nan", "-1", "1e9")),
    ],
)
def test_what_is_no_allowance_counts_for_nothing(bad: object) -> None:
    assert allowed({"allowances": [bad, GOOD]}, "2026-11") == [{**GOOD, "usd": 2.5}]


def test_allowances_that_are_no_list_count_for_nothing() -> None:
    assert allowed({"allowances": "x"}, "2026-11") == []
    assert allowed(None, "2026-11") == []
