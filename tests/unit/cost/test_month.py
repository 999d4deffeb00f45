"""What a record and a month become when an execution is paid for, and what the next will cost."""

from decimal import Decimal
from statistics import median
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.cost.estimate import estimate_of, estimate_usd, estimates, with_latest
from core.cost.month import executions_of, pay
from core.cost.prices import SAMPLE

ORIGIN = SAMPLE.origin()
AMOUNTS = st.decimals(0, 100, places=8).map(float)


def billed(usd: float, *unknown: str) -> dict[str, Any]:
    return {"usd": usd, "unknown": list(unknown)}


def test_the_first_count_adds_the_cost_and_one_to_its_work() -> None:
    payment = pay("score", "b-1", billed(0.25), ORIGIN, None)

    assert payment is not None
    assert (payment.usd, payment.added) == (
        0.25,
        {"usd": Decimal("0.25"), "score_usd": Decimal("0.25"), "score_count": Decimal(1)},
    )
    assert executions_of(payment.cost)["b-1"]["prices"] == ORIGIN


def test_a_repeat_changes_nothing() -> None:
    first = pay("retrain", "r", billed(0.25, "a job"), ORIGIN, None)

    assert first is not None
    assert pay("retrain", "r", billed(0.25, "a job"), ORIGIN, first.cost) is None


def test_what_spot_machines_saved_is_summed_by_month() -> None:
    first = pay("retrain", "e", {**billed(1.0), "saved_usd": 2.0}, ORIGIN, None)
    assert first is not None
    assert first.added["saved_usd"] == Decimal("2.00000000")

    redriven = pay("retrain", "e", {**billed(1.5), "saved_usd": 3.0}, ORIGIN, first.cost)

    assert redriven is not None
    assert redriven.added["saved_usd"] == Decimal("1.00000000")


def test_a_part_that_becomes_known_is_not_unknown_any_more() -> None:
    first = pay("monitor", "m", billed(0.1, "a job"), ORIGIN, None)
    assert first is not None
    assert first.added["monitor_unknown"] == 1

    second = pay("monitor", "m", billed(0.3), ORIGIN, first.cost)

    assert second is not None
    grown = Decimal("0.2")
    assert second.added == {"usd": grown, "monitor_usd": grown, "monitor_unknown": Decimal(-1)}


@given(st.lists(st.tuples(st.sampled_from("abc"), AMOUNTS), max_size=9))
def test_a_month_is_the_sum_of_what_its_executions_cost_last(counts: list[Any]) -> None:
    seen, month, number = None, Decimal(0), Decimal(0)
    for execution, usd in counts:
        payment = pay("score", execution, billed(usd), ORIGIN, seen)
        if payment is not None:
            seen = payment.cost
            month += payment.added.get("usd", Decimal(0))
            number += payment.added.get("score_count", Decimal(0))

    last = dict(counts)
    assert month == sum((Decimal(f"{usd:.8f}") for usd in last.values()), Decimal(0))
    assert number == len(last)


@given(st.text(max_size=30) | st.none() | st.integers())
def test_a_damaged_record_is_counted_anew(seen: Any) -> None:
    payment = pay("score", "b", billed(0.5), ORIGIN, seen)

    assert payment is not None
    assert payment.added["usd"] == Decimal("0.5")


@given(st.lists(AMOUNTS, min_size=1, max_size=9))
def test_an_estimate_is_the_median_of_the_last_five(costs: list[float]) -> None:
    history: list[dict[str, Any]] = []
    for number, usd in enumerate(costs):
        history = with_latest(history, f"run-{number}", usd)
        history = with_latest(history, f"run-{number}", usd)  # a repeat

    assert estimate_of(history) == round(median(costs[-5:]), 6) == estimate_usd(costs)


def test_a_model_without_history_has_no_estimate() -> None:
    nothing = {"retrain": None, "score": None, "monitor": None}

    assert estimates(None) == nothing
    found = estimates({"retrain_estimate_usd": Decimal("0.25"), "score_estimate_usd": "x"})
    assert found == nothing | {"retrain": 0.25}
