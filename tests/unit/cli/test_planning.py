"""What `kanmon plan` shows of a decision, and which times it takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kanmon.errors import BadInputError
from kanmon.planning.display import lines, outlook
from kanmon.planning.ticking import moment_given, refuse_the_past


def decision() -> dict[str, Any]:
    """One model whose retraining starts, whose scoring waits, and which is never monitored."""

    def wait(work: str, code: str, reasons: list[str]) -> dict[str, Any]:
        words = {"because": f"because of {code}", "until": None, "reasons": reasons}
        return {"model": "shoes", "work": work, "code": code, **words}

    return {
        "starts": [
            {
                "model": "shoes",
                "work": "retrain",
                "name": "shoes-1",
                "reasons": ["new data: 2 files", "scheduled"],
            }
        ],
        "waits": [
            wait("monitor", "nothing due", []),
            wait("score", "quiet hours", ["scheduled"]),
        ],
        "next": {"shoes": {"retrain": None, "score": "2026-12-01T05:00:00Z", "monitor": None}},
    }


def test_each_kind_of_work_has_a_line_with_its_reason() -> None:
    assert [(one["work"], one["now"], one["because"]) for one in outlook(decision())] == [
        ("retrain", "starts", "new data: 2 files; scheduled"),
        ("score", "waits", "because of quiet hours"),
        ("monitor", "no", "because of nothing due"),
    ]


def test_what_waits_names_what_is_in_the_way_and_what_asks_for_it() -> None:
    [waits] = [one for one in outlook(decision()) if one["now"] == "waits"]
    [shown] = [line for line in lines(decision(), None, explain=False) if "waits" in line]

    assert waits["reasons"] == ["scheduled"]
    assert shown.endswith("because of quiet hours (asked for by: scheduled)")


def test_what_nothing_asks_for_is_shown_on_demand() -> None:
    heading = 1

    assert len(lines(decision(), None, explain=False)) == heading + 2
    assert len(lines(decision(), None, explain=True)) == heading + 3
    assert lines(decision(), "boots", explain=True) == []


@pytest.mark.parametrize(
    "written", ["2026-12-01T05:00:00Z", "2026-12-01T06:00+01:00", "2026-12-01 05:00"]
)
def test_a_time_without_a_zone_is_in_utc(written: str) -> None:
    assert moment_given("--at", written) == datetime(2026, 12, 1, 5, tzinfo=UTC)


def test_what_is_no_time_is_refused_with_an_example() -> None:
    with pytest.raises(BadInputError, match="'soon' is not a time") as refused:
        moment_given("--at", "soon")

    assert "2026-11-30T06:00Z" in refused.value.fix


def test_a_tick_of_a_time_that_is_past_is_refused() -> None:
    now = datetime(2026, 12, 1, 5, tzinfo=UTC)

    refuse_the_past(now, now)
    refuse_the_past(now + timedelta(days=30), now)
    with pytest.raises(BadInputError, match="is past, and a tick is of now or of a time to come"):
        refuse_the_past(now - timedelta(days=30), now)
