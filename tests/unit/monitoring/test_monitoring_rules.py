"""The rules of a monitoring: its window, its thresholds, its turn, its metrics."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.definition.schema import ModelDefinition
from core.monitoring.metrics import METRICS, history_line, metrics_of
from core.monitoring.page.page import render
from core.monitoring.request import (
    MonitorRequest,
    MonitorRequestError,
    parse_monitor_request,
    window_of,
)
from core.monitoring.settings import settings_of
from core.monitoring.turning import next_watch, turns
from core.monitoring.words import check_words, summary, uneven
from core.stage.monitoring_table import Watch
from tests.support.control_cases import DEFINITION, passing_evaluation
from tests.support.monitoring_documents import (
    alarming_report,
    check,
    no_data_report,
    sample_plan,
    sample_report,
)
from tests.support.translation import ROOT, source

NOW = datetime(2026, 11, 21, 5, 55, 1, tzinfo=UTC)
HEALTHY = Watch("healthy", "m-1", 7, "2026-11-15")
ALARM = Watch("alarm", "m-1", 7, "2026-11-15", ("drift",))


@pytest.mark.parametrize(
    ("asked", "window"),
    [
        ({}, ("2026-11-15", "2026-11-22")),  # the model's seven days, of which today is the last
        ({"days": 1}, ("2026-11-21", "2026-11-22")),
        ({"from": "2026-11-01"}, ("2026-11-01", "2026-11-22")),
        ({"from": "2026-11-01", "to": "2026-11-01"}, ("2026-11-01", "2026-11-02")),
    ],
)
def test_the_window_is_of_whole_days_in_utc(asked: Any, window: tuple[str, str]) -> None:
    found = window_of(parse_monitor_request({"model": "churn", **asked}), 7, NOW)

    assert tuple(found.document().values()) == window


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"days": 0}, "days: input should be greater than or equal to 1"),
        ({"days": 7, "from": "2026-11-01"}, "ask for a number of days, or for the days"),
        ({"to": "2026-11-01"}, "from: is missing beside to"),
        ({"from": "yesterday"}, "'yesterday' is not a day; write one such as 2026-01-31"),
        ({"from": "2026-11-09", "to": "2026-11-01"}, "from: 2026-11-09 is after 2026-11-01"),
        ({"from": "2020-01-01"}, "from: is more than 366 days before"),
        ({"from": "9999-01-01", "to": "9999-01-07"}, "from: 9999-01-01 is after today"),
        ({"dyas": 7}, "unknown key; did you mean days?"),
        ({"model": "Bad Name"}, "is not a model name"),
    ],
)
def test_a_wrong_request_is_refused_in_one_line_with_the_fix(asked: Any, said: str) -> None:
    with pytest.raises(MonitorRequestError) as caught:
        window_of(parse_monitor_request({"model": "churn", **asked}), 7, NOW)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.integers(1, 366), st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))
def test_a_window_of_n_days_has_n_days_and_ends_today(days: int, moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    window = window_of(MonitorRequest(model="churn", days=days), 7, now)

    assert (window.after - window.first).days == days
    assert now.date() in window


def settings(definition: ModelDefinition = DEFINITION) -> dict[str, Any]:
    released = {"metrics": {"primary": "auc"}, "serving": {"capture_share": 0.25}}
    return settings_of(definition, released, passing_evaluation())


def test_quality_is_held_to_monitor_quality_else_to_the_gates_margin() -> None:
    own = DEFINITION.model_copy(
        update={"monitor": DEFINITION.monitor.model_copy(update={"quality": 0.01})}
    )

    assert settings(own)["quality"] == 0.01
    assert settings()["quality"] == DEFINITION.gate.margins["auc"] == 0.02
    assert (settings()["metric"], settings()["capture_share"]) == ("auc", 0.25)


def test_without_any_margin_quality_is_held_to_a_fifth_of_its_error_on_the_test_rows() -> None:
    bare = DEFINITION.model_copy(
        update={"gate": DEFINITION.gate.model_copy(update={"margins": {}})}
    )

    assert settings(bare)["quality"] == pytest.approx(0.2 * (1 - 0.8))
    assert settings_of(bare, {}, {})["quality"] is None  # nothing is known to compare with


DRIFT, QUALITY = ("drift found",), ("quality dropped",)


@pytest.mark.parametrize(
    ("before", "state", "checks", "release", "until", "expected"),
    [
        (None, "healthy", [], 7, "2026-11-22", ()),
        (None, "alarm", ["drift"], 7, "2026-11-22", DRIFT),
        (HEALTHY, "alarm", ["missing", "prediction"], 7, "2026-11-22", DRIFT),
        (HEALTHY, "alarm", ["quality"], 7, "2026-11-22", QUALITY),
        (HEALTHY, "alarm", ["drift", "quality"], 7, "2026-11-22", DRIFT + QUALITY),
        (ALARM, "alarm", ["unknown"], 7, "2026-11-22", ()),  # told before
        (ALARM, "alarm", ["drift", "quality"], 7, "2026-11-22", QUALITY),  # which is worse
        (ALARM, "alarm", ["drift"], 8, "2026-11-22", DRIFT),  # another release, another baseline
        (ALARM, "healthy", [], 7, "2026-11-22", ("monitoring recovered",)),
        (ALARM, "no data", [], 7, "2026-11-22", ()),  # which is no health
        (ALARM, "too few rows", [], 7, "2026-11-22", ()),
        (ALARM, "healthy", [], 7, "2026-11-14", ()),  # an earlier window, watched again
        # An alarm that was recorded without its checks, by an earlier version.
        (replace(ALARM, checks=()), "alarm", ["quality"], 7, "2026-11-22", ()),
    ],
)
def test_each_kind_of_turn_is_reported_once(
    before: Watch | None,
    state: str,
    checks: list[str],
    release: int,
    until: str,
    expected: tuple[str, ...],
) -> None:
    known = next_watch(state, "m-2", release, until, before, checks)

    assert turns(before, known) == expected


def test_the_metrics_are_at_most_five_and_none_is_of_a_feature() -> None:
    found = metrics_of(alarming_report())

    assert found == {
        "MonitorAlarms": 3.0,
        "DriftedFeatures": 1.0,
        "RowsWatched": 1000.0,
        "LabelledShare": 0.4,
        "Quality": 0.79,
    }
    assert set(found) == set(METRICS)


def test_without_data_no_number_of_alarms_is_sent_that_would_look_like_health() -> None:
    assert metrics_of(no_data_report()) == {"RowsWatched": 0.0}


def test_the_line_for_athena_has_the_same_columns_whatever_was_found() -> None:
    found = [
        history_line(sample_plan(), report, {"seconds": 12.5}, "2026-11-21T06:00:00Z", 0.02)
        for report in (sample_report(), alarming_report(), no_data_report())
    ]

    assert len({tuple(line) for line in found}) == 1
    assert [line["alarms"] for line in found] == [0, 3, 0]
    assert [line["seconds"] for line in found] == [12.5] * 3
    assert [line["quality"] for line in found] == [0.79, 0.79, None]


def test_the_table_for_athena_has_a_column_for_each_field_of_the_line() -> None:
    line = history_line(sample_plan(), alarming_report(), {}, "2026-11-21T06:00:00Z", None)
    table = source(ROOT / "stacks/dashboard.yaml")["Resources"]["MonitoringsTable"]
    columns = table["Properties"]["TableInput"]["StorageDescriptor"]["Columns"]

    assert [column["Name"] for column in columns] == list(line)
    checks = next(column["Type"] for column in columns if column["Name"] == "checks")
    assert set(re.findall(r"(\w+):", checks)) == set(line["checks"][0])


@pytest.mark.parametrize(
    ("captured", "batch", "said"),
    [
        (9_000, 100_000, "requests are 8.3 % of the rows: watch them alone with monitor.rows: "),
        (3_150, 3_720_000, "requests are 0.08 % of the rows: watch them alone with monitor.rows: "),
        (100_000, 50, "rows scored in batch are 0.05 % of the rows: watch them alone with "),
    ],
)
def test_few_rows_among_many_are_named_in_the_summary_with_how_to_see_them(
    captured: int, batch: int, said: str
) -> None:
    rows = {"captured": captured, "batch": batch}

    for report in (sample_report(rows=rows), alarming_report() | {"rows": rows}):
        assert said in summary(report, sample_plan()["settings"])
        assert said in render(sample_plan(), report, closed_at="2026-11-21T06:00:00Z")


@pytest.mark.parametrize(("captured", "batch"), [(10_000, 100_000), (0, 100_000), (300, 0)])
def test_rows_from_one_place_or_of_like_numbers_hide_nothing(captured: int, batch: int) -> None:
    assert uneven(sample_report(rows={"captured": captured, "batch": batch})) is None


def test_an_alarm_without_a_check_that_alarms_still_has_words() -> None:
    report = sample_report(state="alarm")

    assert summary(report, sample_plan()["settings"]) == (
        "the report alarms without a check that does"
    )


@pytest.mark.parametrize(
    ("kind", "feature", "state", "said"),
    [
        (
            "drift",
            "income",
            "not captured",
            "income is private, so requests are kept without it, and no batch was scored",
        ),
        ("quality", None, "undefined", "quality: the metric is not defined on these rows"),
        ("drift", "income", "of a later version", "income: not compared"),
    ],
)
def test_a_check_that_was_not_made_says_why(
    kind: str, feature: str | None, state: str, said: str
) -> None:
    words = check_words(check(kind, feature, 0.0, state=state), sample_report())

    assert words.startswith(said)
