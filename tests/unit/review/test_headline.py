"""The top of the page: what is better, worse and unclear, and what would change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.reading import Estimate
from core.review.forest import FARTHEST, Entry, overview_chart, standardised
from core.review.page import render
from tests.support.reading_page import Element, folded, read, rows_of
from tests.support.sample_documents import documents
from tests.support.sample_evaluations import SINCE_FORMAT_2, as_format_1

TASKS = ["regression", "binary", "multiclass"]
BETTER, WORSE = (
    {"value": 0.02, "low": 0.01, "high": 0.03},
    {
        "value": -0.02,
        "low": -0.03,
        "high": -0.01,
    },
)
UNCLEAR, SAME = {"value": 0.0, "low": -0.01, "high": 0.01}, {"value": 0.0, "low": 0.0, "high": 0.0}


def page_of(task: str = "binary", **changes: Any) -> Element:
    sample = documents(task)
    sample["evaluation"] |= changes
    return read(render(**sample))


def panel(page: Element) -> list[str]:
    (found,) = (
        each for each in page.all("div") if each.attributes.get("class", "").startswith("verdict ")
    )
    return [" ".join(each.text.split()) for each in found.all("p", "li")]


def differences(**by_metric: dict[str, float]) -> dict[str, Any]:
    return {"difference": by_metric, "metrics": list(by_metric), "primary": next(iter(by_metric))}


@pytest.mark.parametrize(
    ("given_differences", "words"),
    [
        (
            {"auc": UNCLEAR, "recall": WORSE, "f1": WORSE},
            "2 of 3 metrics clearly worse (recall, F1), none better. "
            "The other 1: unclear, the difference may be chance.",
        ),
        # Lower is better.
        ({"auc": BETTER, "log_loss": WORSE}, "2 of 2 metrics clearly better (AUC, log loss), none"),
        (
            {"auc": BETTER, "recall": WORSE},
            "1 of 2 metrics clearly better (AUC), 1 clearly worse (recall).",
        ),
        ({"auc": UNCLEAR, "f1": UNCLEAR}, "None of 2 metrics is clearly better or worse"),
        ({"auc": SAME, "f1": SAME}, "None of 2 metrics differs at all."),
        # Without an interval nothing is clear.
        ({"auc": {"value": 0.2}, "f1": WORSE}, "1 of 2 metrics clearly worse (F1), none better."),
        (
            dict.fromkeys(["auc", "accuracy", "precision", "recall", "f1"], WORSE),
            "5 of 5 metrics clearly worse (AUC, accuracy, precision and 2 more), none better.",
        ),
    ],
)
def test_the_headline_says_what_is_better_worse_and_unclear(
    given_differences: dict[str, Any], words: str
) -> None:
    page = page_of(**differences(**given_differences))

    assert panel(page)[0].startswith(words)


def test_the_headline_names_the_segments_that_are_worse_and_leaves_out_small_ones() -> None:
    def part(value: str, rows: int, difference: dict[str, float]) -> dict[str, Any]:
        return {
            "column": "internet",
            "value": value,
            "rows": rows,
            "candidate": {"auc": 0.8},
            "champion": {"auc": 0.8},
            "difference": {"auc": difference},
        }

    parts = [part("none", 90, WORSE), part("dsl", 90, UNCLEAR), part("fibre", 3, WORSE)]

    assert panel(page_of(segments=parts))[1] == (
        "AUC by segment: 1 of 2 segments clearly worse (internet = none), none better. "
        "The other 1: unclear, the difference may be chance."
    )


def test_every_rule_that_does_not_pass_is_in_the_panel_the_worst_first() -> None:
    sample = documents("binary")
    unclear = {"outcome": "hold", "name": "champion non-inferiority", "words": "AUC is unclear"}
    sample["verdict"]["rules"].insert(0, unclear)

    reasons = panel(read(render(**sample)))[2:4]

    assert reasons[0].startswith("reject Recall 0.7512, champion 0.7704: worse by 0.0192")
    assert reasons[1].startswith("hold AUC is unclear")


def test_of_many_failing_rules_a_few_are_told_and_the_rest_counted() -> None:
    sample = documents("regression")
    rule = {"outcome": "reject", "name": "floor"}
    sample["verdict"]["rules"] = [{**rule, "words": f"reason {place}"} for place in range(9)]

    told = panel(read(render(**sample)))

    assert "reject Reason 4" in told
    assert "and 4 rules more, see below" in told
    assert "reject Reason 5" not in told


def test_one_chart_shows_all_metrics_and_says_in_words_what_it_shows() -> None:
    page = page_of()

    (chart,) = (each for each in page.all("svg") if "overview-chart" in str(each.attributes))
    (described,) = chart.all("desc")
    assert described.text == (
        "Candidate minus champion, right of the middle is better: AUC +0.0034 (unclear); "
        "Average precision +0.0081 (unclear); Log loss −0.0041 (unclear); "
        "Recall −0.0192 (worse)."
    )


estimates = st.tuples(st.floats(-1e300, 1e300), st.floats(0, 1e300), st.floats(0, 1e300))


@given(st.lists(st.tuples(estimates, st.sampled_from(["lower", "higher"])), min_size=1, max_size=6))
def test_in_units_of_its_interval_a_clear_difference_is_clear_of_the_line(drawn: Any) -> None:
    entries = [
        (Entry("m", "v", Estimate(middle, middle - below, middle + above)), better)
        for (middle, below, above), better in drawn
    ]

    chart = overview_chart(entries)

    assert chart.line == 160
    for row, (entry, better) in zip(chart.rows, entries, strict=True):
        if row.at is None or row.low is None or row.high is None:
            continue
        assert 0 <= row.low <= row.high <= 320
        each = entry.shown
        assert each is not None
        if row.low > 160:  # all of it on the better side
            assert each.high < 0 if better == "lower" else each.low > 0


def test_metrics_of_any_unit_share_the_axis() -> None:
    large, small = Estimate(3000.0, 1000.0, 5000.0), Estimate(0.0003, 0.0001, 0.0005)

    one, other = standardised(large), standardised(small)

    assert one == Estimate(1.5, 0.5, 2.5)
    assert other is not None
    assert (other.value, other.low, other.high) == pytest.approx((1.5, 0.5, 2.5))


def test_what_is_too_far_out_is_said_to_be_at_the_end_of_the_axis() -> None:
    huge = {"value": 1.0, "low": 1 - 0.5 / FARTHEST, "high": 1 + 0.5 / FARTHEST}

    assert "drawn at the axis's end" in page_of(**differences(auc=huge, f1=UNCLEAR)).text
    assert "drawn at the axis's end" not in page_of().text


def section(page: Element, id: str) -> str:
    (found,) = (each for each in page.all("section") if each.attributes.get("id") == id)
    return " ".join(found.text.split())


def test_for_classes_the_page_says_which_decisions_change_and_who_is_right() -> None:
    page = page_of("binary")

    assert "43 of 1,056 test rows (4.1 %) would be decided differently." in section(
        page, "consequences"
    )
    assert "From wrong to correct: 18. From correct to wrong: 25." in section(page, "consequences")
    assert "Together 7 fewer correct than with the champion." in section(page, "consequences")
    assert rows_of(page, "moves-table") == [
        ["no → yes", "3172.1 %", "9", "22"],
        ["yes → no", "1227.9 %", "9", "3"],
    ]


def test_a_decision_that_is_wrong_both_times_is_counted_apart() -> None:
    assert "Wrong both times: 4." in section(page_of("multiclass"), "consequences")


def test_for_numbers_the_page_says_how_far_predictions_move() -> None:
    told = section(page_of("regression"), "consequences")

    assert (
        "Half of the predictions move by 0.141 or less, nine in ten by 0.432 or less, and one by "
        "1.10, in the unit of rings." in told
    )
    assert (
        "12 of 627 test rows (1.9 %) move by more than the champion's mean absolute error, 1.50."
        in told
    )
    assert "339 come closer to the actual value, 288 move away from it." in told


@pytest.mark.parametrize(
    ("task", "changes", "words"),
    [
        ("binary", {"changed": 0, "corrected": 0, "broken": 0, "moves": []}, "Not one of 1,056"),
        ("binary", {"changed": 4, "corrected": 2, "broken": 2}, "as many correct as with"),
        ("binary", {"changed": 4, "corrected": 3, "broken": 1}, "2 more correct than with"),
        ("regression", {"median": 0.0, "p90": 0.0, "largest": 0.0}, "stay the same"),
        ("regression", {"beyond": 0}, "None of 627 test rows moves by more than"),
    ],
)
def test_small_consequences_are_told_as_such(
    task: str, changes: dict[str, Any], words: str
) -> None:
    sample = documents(task)
    sample["evaluation"]["consequences"] |= changes

    assert words in section(read(render(**sample)), "consequences")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("champion", [True, False])
def test_an_evaluation_of_format_1_is_shown_without_what_it_has_not(
    task: str, champion: bool
) -> None:
    sample = documents(task, champion=champion)
    sample["evaluation"] = as_format_1(sample["evaluation"])
    assert not set(SINCE_FORMAT_2) & set(sample["evaluation"])

    page = read(render(**sample))

    assert "What would change" not in page.text
    assert "Precision and recall" not in [each.text for each in page.all("strong")]
    assert "Predicted and actual values" not in [each.text for each in page.all("strong")]
    assert any("overview-chart" in str(each.attributes) for each in page.all("svg")) is champion


def charts(page: Element) -> set[str]:
    return {
        each.attributes["aria-labelledby"].split("-title")[0]
        for each in page.all("svg")
        if "aria-labelledby" in each.attributes
    }


def test_each_task_has_its_charts() -> None:
    assert {"calibration-chart", "roc-chart", "precision-recall-chart"} <= charts(page_of("binary"))
    assert {"residuals-chart", "deciles-chart", "predictions-chart"} <= charts(
        page_of("regression")
    )
    assert not {"roc-chart", "residuals-chart"} & charts(page_of("multiclass"))


@pytest.mark.parametrize(
    ("task", "chart"),
    [
        ("binary", "calibration-chart"),
        ("binary", "roc-chart"),
        ("regression", "residuals-chart"),
        ("regression", "deciles-chart"),
    ],
)
def test_the_champion_is_drawn_beside_the_candidate(task: str, chart: str) -> None:
    def models(page: Element) -> set[str]:
        (drawing,) = (each for each in page.all("svg") if chart in str(each.attributes))
        return {
            word
            for each in drawing.all("circle", "rect", "path")
            for word in each.attributes.get("class", "").split()
            if word in ("candidate", "champion")
        }

    assert "champion" in models(page_of(task))
    alone = read(render(**documents(task, champion=False)))
    assert "champion" not in models(alone)


def test_every_chart_has_an_axis_with_labels() -> None:
    for task in TASKS:
        for champion in (True, False):
            page = read(render(**documents(task, champion=champion)))
            for drawing in page.all("svg"):
                if drawing.attributes.get("aria-hidden") != "true":
                    ticks = [
                        each for each in drawing.all("line") if each.attributes["class"] == "axis"
                    ]
                    assert len(ticks) >= 3, drawing.attributes["aria-labelledby"]
                    assert any(each.text[-1:].isdigit() for each in drawing.all("text"))


def test_what_passed_is_stable_or_is_a_number_is_folded() -> None:
    found = folded(page_of("binary"))

    for summary in (
        "17 rules passed",
        "Metrics in numbers, each with its 95 % interval",
        "AUC by segment in numbers",
        "Calibration in numbers",
        "Recall and precision of each class",
        "Identities and digests",
    ):
        assert summary in found
    assert any(summary.endswith("stable") for summary in found)


def test_the_rules_come_after_the_charts() -> None:
    page = page_of("binary")
    everything = page.all("svg", "section")

    (rules,) = (
        place for place, each in enumerate(everything) if each.attributes.get("id") == "rules"
    )
    drawn = [place for place, each in enumerate(everything) if each.attributes.get("role") == "img"]
    assert max(drawn) < rules


def test_every_table_scrolls_in_a_region_that_the_keyboard_reaches() -> None:
    page = page_of("multiclass")

    regions = [each for each in page.all("div") if each.attributes.get("class") == "scroll"]
    assert len(regions) == len(page.all("table"))
    for region in regions:
        assert (region.attributes["role"], region.attributes["tabindex"]) == ("region", "0")
        assert region.attributes["aria-labelledby"].endswith("-caption")
