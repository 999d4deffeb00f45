"""Quality with labels: by day and segment, how complete, and never from fewer than the floor."""

import datetime
import statistics

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.quality import judged_days
from tests.support.monitored_world import customers
from tests.support.training_cases import METRICS, TASKS

WRONG = {
    "regression": pl.col("target") + 40,
    "binary": pl.when(pl.col("target") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes")),
    "multiclass": pl.col("target").replace_strict({"low": "mid", "mid": "high", "high": "low"}),
}


def truth(task, day, count=300):
    return customers(task, count, 100 + day, first=10_000 * (day + 1))


def answered(world, task="binary", days=2, count=300):
    ours = world(task)
    for day in range(days):
        ours.answer(day, truth(task, day, count))
    return ours


def labels_of(frame):
    return frame.select("id", "target")


def quality_check(report):
    [found] = [each for each in report["checks"] if each["check"] == "quality"]
    return found


@pytest.mark.parametrize("task", TASKS)
def test_the_models_own_metrics_are_reported_with_interval_beside_the_test_rows(world, task):
    ours = answered(world, task)
    ours.label("a.csv", labels_of(truth(task, 0)))

    quality = ours.monitor()["quality"]

    assert (quality["primary"], quality["state"]) == (METRICS[task][0], "measured")
    assert set(quality["metrics"]) == set(METRICS[task])
    for metric in quality["metrics"].values():
        assert metric["low"] <= metric["value"] <= metric["high"]
        assert metric["test"] is not None
    primary = quality["metrics"][quality["primary"]]
    assert primary["value"] == pytest.approx(primary["test"], rel=0.2)
    assert quality["completeness"] == 0.5
    first, second = quality["by_day"]
    assert (first["day"], first["answered"], first["labelled"]) == ("2026-11-01", 300, 300)
    assert first["metrics"][quality["primary"]] == {
        key: primary[key] for key in ("value", "low", "high")
    }
    assert second == {"day": "2026-11-02", "answered": 300, "labelled": 0, "metrics": None}


@pytest.mark.parametrize("task", TASKS)
def test_a_model_that_has_become_worse_is_an_alarm(world, task):
    ours = answered(world, task)
    ours.label("a.csv", labels_of(truth(task, 0).with_columns(WRONG[task].alias("target"))))

    report = ours.monitor()

    assert report["state"] == "alarm"
    found = quality_check(report)
    assert found["alarm"]
    assert found["value"] > found["bar"]


def test_below_the_floor_no_metric_is_given_of_all_rows_a_day_or_a_segment(world):
    ours = answered(world)
    wrong = truth("binary", 0).with_columns(WRONG["binary"].alias("target"))
    ours.label("a.csv", labels_of(wrong.head(99)))

    report = ours.monitor()
    quality = report["quality"]

    assert report["state"] == "healthy"
    assert (quality["labelled"], quality["state"]) == (99, "too few labels")
    assert {each["value"] for each in quality["metrics"].values()} == {None}
    assert all(each["metrics"] is None for each in quality["by_day"])
    assert [each["labelled"] for each in quality["by_day"]] == [99, 0]
    assert all(each["metrics"] is None for each in quality["segments"])
    assert quality_check(report)["state"] == "too few rows"


def test_segments_have_metrics_from_the_floor_on(world):
    ours = answered(world)
    ours.label("a.csv", labels_of(truth("binary", 0)))

    segments = ours.monitor(settings={"minimum_labels": 80})["quality"]["segments"]

    assert [each["value"] for each in segments] == ["blue", "green", "red", "(missing)"]
    assert sum(each["labelled"] for each in segments) == 300
    for each in segments:
        assert (each["metrics"] is not None) == (each["labelled"] >= 80)
    assert {each["metrics"] is None for each in segments} == {True, False}


def test_no_label_at_all_is_no_quality(world):
    report = answered(world).monitor()

    assert report["quality"] is None
    assert quality_check(report)["state"] == "too few rows"
    assert report["labels"]["given"] == 0


def test_labels_that_come_late_raise_completeness_and_are_counted(world):
    ours = answered(world)
    ours.label("a.csv", labels_of(truth("binary", 0)))
    before = ours.monitor()
    ours.label("b.csv", labels_of(truth("binary", 1)), received="2027-03-01")

    after = ours.monitor()

    assert (before["quality"]["completeness"], after["quality"]["completeness"]) == (0.5, 1.0)
    assert (before["labels"]["late"], after["labels"]["late"]) == (0, 300)


def test_labels_of_days_before_the_window_count_for_quality_alone(world):
    ours = answered(world)
    ours.answer(-20, truth("binary", -20).with_columns(pl.col("size") + 5))
    ours.label("a.csv", labels_of(truth("binary", -20)))

    report = ours.monitor()

    assert report["rows"]["captured"] == 600
    assert report["quality"]["by_day"][0]["day"] == "2026-10-12"
    assert report["quality"]["by_day"][0]["labelled"] == 300
    assert report["rows"]["labelled"] == 300
    assert "drift" not in {each["check"] for each in report["checks"] if each["alarm"]}


def test_a_bad_week_is_not_thinned_by_the_good_ones_before_it(world):
    ours = world("binary")
    for day in (-30, -20, -10, 0, 1):
        ours.answer(day, truth("binary", day))
        bad = day >= 0
        wrong = truth("binary", day).with_columns(WRONG["binary"].alias("target"))
        ours.label(f"{day}.csv", labels_of(wrong if bad else truth("binary", day)))

    report = ours.monitor()

    assert report["quality"]["days"] == ["2026-11-01", "2026-11-02"]
    assert report["quality"]["labelled"] == 600
    assert len(report["quality"]["by_day"]) == 5
    assert quality_check(report)["alarm"]


def test_a_bad_day_of_the_past_is_over_once_later_days_have_labels(world):
    ours = world("binary")
    for day in (-30, 0, 1):
        ours.answer(day, truth("binary", day))
        wrong = truth("binary", day).with_columns(WRONG["binary"].alias("target"))
        ours.label(f"{day}.csv", labels_of(wrong if day < 0 else truth("binary", day)))

    assert not quality_check(ours.monitor())["alarm"]


def day_of(number):
    return datetime.date(2026, 11, 1) + datetime.timedelta(days=number)


COUNTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=20)


@given(COUNTS, st.integers(1, 10), st.integers(0, 200))
def test_the_judged_days_are_the_last_ones_whose_labels_have_come(counts, asked, minimum):
    labelled = {day_of(number): some for number, (some, _) in enumerate(counts)}
    answered = {day_of(number): some + rest for number, (some, rest) in enumerate(counts)}

    found = judged_days(labelled, answered, asked, minimum)

    shares = {day: labelled[day] / answered[day] for day in labelled if labelled[day]}
    usual = statistics.median(shares.values()) if shares else 0
    come = sorted(day for day, share in shares.items() if share >= usual / 2)
    assert found == come[len(come) - len(found) :]
    recent = [day for day in come if day > come[-1] - datetime.timedelta(days=asked)]
    rows = sum(labelled[day] for day in found)
    assert found == come or rows >= minimum
    assert set(recent) <= set(found)
    # And no day more than that.
    assert found == recent or rows - labelled[found[0]] < minimum


def test_labels_that_are_unknown_repeated_or_contradicting_are_counted_and_shown(world):
    ours = answered(world)
    right = labels_of(truth("binary", 0))
    wrong = truth("binary", 0).with_columns(WRONG["binary"].alias("target"))
    ours.label("a.csv", right)
    ours.label("b.csv", right.head(20))
    ours.label("c.csv", labels_of(wrong).tail(10))
    ours.label("d.csv", right.with_columns(pl.lit("nobody").alias("id")).head(1))

    labels = ours.monitor()["labels"]

    assert {name: labels[name] for name in ("given", "matched", "repeated", "unknown")} == {
        "given": 331, "matched": 290, "repeated": 20, "unknown": 1
    }  # fmt: skip
    assert labels["contradicting"] == 20
    assert labels["samples"]["unknown"] == [{"file": "labels/m/d.csv", "row": 1}]


def test_labels_of_what_another_release_answered_are_no_quality_of_this_one(world):
    ours = answered(world)
    ours.answer(0, truth("binary", 5), release=6)
    ours.label("a.csv", labels_of(pl.concat([truth("binary", 0), truth("binary", 5)])))

    report = ours.monitor()

    assert (report["labels"]["matched"], report["labels"]["other_releases"]) == (600, 300)
    assert report["quality"]["labelled"] == 300


def test_a_label_that_is_no_class_of_the_release_is_left_out_and_counted(world):
    ours = answered(world, "multiclass")
    frame = truth("multiclass", 0).with_columns(
        pl.when(pl.int_range(pl.len()) < 5)
        .then(pl.lit("new"))
        .otherwise(pl.col("target"))
        .alias("target")
    )
    ours.label("a.csv", labels_of(frame))

    report = ours.monitor()

    assert report["labels"]["new_classes"] == {"new": 5}
    assert (report["labels"]["no_class"], report["quality"]["labelled"]) == (5, 295)


def test_a_report_quotes_no_more_than_twenty_new_classes(world):
    """Where another column, such as a name, was put in the target's place, each row has its own."""
    ours = answered(world, "multiclass")
    names = pl.format("name {}", pl.int_range(pl.len())).alias("target")
    ours.label("a.csv", labels_of(truth("multiclass", 0).with_columns(names)))

    report = ours.monitor()

    assert len(report["labels"]["new_classes"]) == 20
    assert report["labels"]["no_class"] == 300


def test_without_a_margin_there_is_no_check_of_quality(world):
    report = answered(world).monitor(settings={"quality": None})

    assert {each["check"] for each in report["checks"]} == {
        "drift", "missing", "unknown", "prediction", "invalid"
    }  # fmt: skip


def test_a_label_from_before_the_days_that_are_read_is_that_of_its_key(world):
    ours = answered(world, days=1)
    ours.label("early.csv", labels_of(truth("binary", 0)), received="2026-01-01")
    ours.label("of-others.csv", labels_of(truth("binary", 5)), received="2026-01-01")
    ours.label("unknown.csv", labels_of(truth("binary", 6, count=20)))

    report = ours.monitor(settings={"label_days": 90})

    assert (report["labels"]["matched"], report["labels"]["unknown"]) == (300, 20)
