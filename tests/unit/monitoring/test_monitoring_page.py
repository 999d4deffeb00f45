"""The monitoring page: what it says first, that it is safe, and that it fits."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.monitoring.page.page import render
from core.monitoring.page.quality import quality
from core.monitoring.words import alarms_of
from core.review.rendering import LARGEST_PAGE
from tests.support.monitoring_documents import (
    alarming_report,
    check,
    no_data_report,
    sample_plan,
    sample_report,
)

AT = "2026-11-21T06:00:00Z"
SCRIPT = "</style><script>alert(1)</script>"


def page(report: Any = None, plan: Any = None) -> str:
    return render(
        plan or sample_plan(), sample_report() if report is None else report, closed_at=AT
    )


class Reader(HTMLParser):
    """The text of a page, its elements and the ids that refer to others."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.referred: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("aria-labelledby", "aria-describedby"):
                self.referred += (value or "").split()
            if name == "href" and (value or "").startswith("#"):
                self.referred.append((value or "")[1:])

    def handle_data(self, data: str) -> None:
        self.words += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def words(html: str) -> str:
    return " ".join(read(html).words.split())


def test_a_healthy_page_says_so_with_the_rows_and_the_checks() -> None:
    assert "1,000 rows watched, 7 checks made, none beyond its bar" in words(page())


def test_an_alarm_says_what_by_how_much_and_against_which_bar_quality_first() -> None:
    found = words(page(alarming_report()))

    first = "AUC is 0.75, 0.80 on the test rows: worse by 0.05, the bar 0.02"
    assert found.index(first) < found.index("tenure has drifted: its PSI is 0.31, the bar 0.1")
    assert "gender is unknown in 20 % of the rows, 0 % before: 20 % more, the bar 10 %" not in found
    assert "gender is unknown in 20 % of the rows, 0 % before: 20 % more, the bar 5 %" in found


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (
            "no data",
            "Release 7: no row was captured or scored in batch from 2026-11-15 to 2026",
        ),
        ("too few rows", "0 rows watched, and 100 rows are needed to compare"),
    ],
)
def test_no_data_and_too_few_rows_are_states_of_their_own(state: str, said: str) -> None:
    found = words(page(no_data_report() | {"state": state}))

    assert said in found
    assert "within its bar" not in found


def test_quality_is_shown_by_day_with_how_complete_its_labels_are() -> None:
    found = words(page())

    judged = "on 280 labelled rows answered from 2026-11-15 to 2026-11-21"
    assert f"AUC is 0.79 (0.75 to 0.83) {judged}; on the test rows it was 0.80." in found
    assert "40 % of all answered rows have a label so far." in found
    assert "too few labels" in found  # a segment below the floor
    assert "contradicting, and left out 2 may.csv, row 17" in found
    assert "of answers of other releases 5" in found


def test_the_headline_counts_the_alarms_that_are_listed_below_it() -> None:
    found = words(page(alarming_report()))

    alarms = len(alarms_of(alarming_report()))
    assert f"Checks beyond their bars: {alarms} of " in found
    assert "Tenure has drifted" not in found  # a feature's name stays as it is written


def test_checks_that_were_not_made_are_counted_apart() -> None:
    report = sample_report()
    report["checks"].append(check("drift", "income", 0.0, state="not captured"))

    assert "All checks (8 checks, of which 1 not made)" in words(page(report))
    assert "All checks (7 checks)" in words(page())


def test_numbers_of_a_check_are_as_exact_beside_a_metric_in_thousands_as_alone() -> None:
    report = sample_report()
    report["checks"] = [
        {**check("quality", None, 29_369.0), "bar": 2_976.0},
        {**check("drift", "income", 1.653), "bar": 0.1},
        {**check("missing", "income", 0.0125), "bar": 0.05},
    ]

    found = words(page(report))

    for written in ("29,369", "2,976", "1.653", "0.100", "0.0125", "0.0500"):
        assert written in found, written


def test_samples_of_labels_name_a_file_once_with_its_rows() -> None:
    report = sample_report()
    files = ("may.csv", "may.csv", "june.csv")
    report["labels"]["samples"] = {
        "contradicting": [
            {"file": f"labels/churn/{name}", "row": row} for row, name in enumerate(files, 17)
        ]
    }

    assert "may.csv, rows 17, 18; june.csv, row 19" in words(page(report))


def test_quality_is_drawn_over_the_days_of_the_window_also_those_without_answers() -> None:
    report = sample_report()
    whole = quality(report, 10)
    report["quality"]["by_day"] = report["quality"]["by_day"][2:4]
    some = quality(report, 10)

    assert whole and whole.course and some and some.course and some.labelled
    assert [tick.label for tick in some.course.ticks] == [tick.label for tick in whole.course.ticks]
    assert some.course.points == whole.course.points[2:4]
    # Shares are drawn between 0 and 1, so that a small change is not a steep line.
    assert {"0.0", "1.0"} <= {tick.label for tick in some.labelled.y_ticks}


def test_a_feature_that_alarms_is_drawn_in_full_and_the_others_are_folded() -> None:
    html = page(alarming_report())

    folded = html.index("Features within their bars") if "Features within" in html else len(html)
    assert html.index('id="feature-0-shares-title"') < folded
    assert 'id="feature-1-psi-title"' in html


def test_values_that_the_training_rows_did_not_have_are_named() -> None:
    words = read(page()).words

    assert "Values that the training rows did not have: x in 10 rows." in words


def test_other_values_are_drawn_only_where_there_are_some() -> None:
    report = alarming_report()
    gender = report["features"][1]
    gender["now"] = [0.49, 0.5, 0.01]
    assert "other values" in words(page(report))
    gender["now"] = [0.5, 0.5, 0.0]

    assert "other values" not in words(page(report))


def test_a_day_without_rows_is_no_point_of_a_course() -> None:
    report = sample_report()
    [first, *_] = report["features"][1]["by_day"]
    before = page(report).count("<circle")
    first.update(rows=0, missing=0.0, unknown=0.0, psi=None)

    assert page(report).count("<circle") < before


def test_the_page_needs_nothing_else_and_runs_nothing() -> None:
    html = page(alarming_report())

    assert not {"script", "img", "link", "iframe", "form"} & set(read(html).tags)
    assert not re.search(r'(src|href)="(?!#)', html)
    assert "style-src 'sha256-" in html


def test_what_ids_refer_to_is_there_once() -> None:
    reader = read(page(alarming_report()))

    assert len(reader.ids) == len(set(reader.ids))
    assert set(reader.referred) <= set(reader.ids)


def test_text_from_elsewhere_is_escaped_everywhere() -> None:
    report, plan = alarming_report(), sample_plan(reason=SCRIPT, model="churn")
    for each in [*report["checks"], *report["features"]]:
        if each["feature"] is not None:
            each["feature"] = SCRIPT
    report["features"][1]["categories"] = [SCRIPT, "m"]
    report["quality"]["segments"][0] |= {"column": SCRIPT, "value": SCRIPT}
    report["labels"]["samples"]["contradicting"] = [{SCRIPT: SCRIPT}]

    html = page(report, plan)

    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_page_stays_small_whatever_the_number_of_features_and_days() -> None:
    report = alarming_report()
    report["features"] = [
        each | {"feature": f"feature {n}", "by_day": each["by_day"] * 52}
        for n in range(300)
        for each in report["features"]
    ]
    report["checks"] = [{**report["checks"][0], "feature": f"feature {n}"} for n in range(300)]
    report["quality"]["by_day"] *= 52

    assert len(page(report).encode()) < LARGEST_PAGE


def test_the_same_report_gives_the_same_page() -> None:
    assert page(alarming_report()) == page(alarming_report())


BROKEN = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "day", "by_day", "feature", "x"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(sample_report())), BROKEN)
def test_a_broken_part_of_a_report_never_keeps_its_page_from_being_made(
    key: str, value: Any
) -> None:
    html = page(sample_report() | {key: value})

    assert html.rstrip().endswith("</html>")


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["checks", "features"]),
    st.dictionaries(
        st.sampled_from(
            [
                "check",
                "feature",
                "state",
                "value",
                "bar",
                "alarm",
                "before",
                "now",
                "edges",
                "categories",
                "by_day",
                "unit_distance",
            ]
        ),
        BROKEN,
    ),
)
def test_nor_does_a_broken_check_or_feature(key: str, value: dict[str, Any]) -> None:
    assert page(sample_report() | {key: [value]}).rstrip().endswith("</html>")
