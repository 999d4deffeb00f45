"""Which label an answered row has, and what becomes of every label that was given."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from observed.labels import FATES, Resolved, resolve, since

few = settings(max_examples=60, deadline=None)
DAY = datetime(2026, 11, 1, tzinfo=UTC)
TYPES = {
    "__key_0": pl.String,
    "request_id": pl.String,
    "row": pl.Int64,
    "label": pl.String,
    "received": pl.Datetime("us", "UTC"),
    "file": pl.String,
    "file_row": pl.Int64,
    "correction": pl.Boolean,
}


def labels(*given: dict[str, Any], keys: bool = True) -> pl.DataFrame:
    """Each of a file of its own, received a day after the one before, unless it says otherwise."""
    rows = [
        {
            "__key_0": None,
            "request_id": None,
            "row": None if "request_id" not in one else 0,
            "received": DAY + timedelta(days=place),
            "file": f"{place}.csv",
            "file_row": 1,
            "correction": False,
            **one,
        }
        for place, one in enumerate(given)
    ]
    frame = pl.DataFrame(rows, TYPES, orient="row")
    return frame if keys else frame.drop("__key_0")


def key(key: str, label: str, **more: Any) -> dict[str, Any]:
    return {"__key_0": key, "label": label, **more}


def request(request: str, label: str, **more: Any) -> dict[str, Any]:
    return {"request_id": request, "label": label, **more}


def answered(*rows: tuple[str | None, str | None], at: datetime = DAY) -> pl.DataFrame:
    """Answers by request id and key."""
    return pl.DataFrame(
        [(at, one, 0, key) for one, key in rows],
        {
            "at": pl.Datetime("us", "UTC"),
            "request_id": pl.String,
            "row": pl.Int64,
            "__key_0": pl.String,
        },
        orient="row",
    )


def used(resolved: Resolved) -> dict[str, str]:
    return dict(resolved.matched.select("request_id", "label").iter_rows())


def fates(resolved: Resolved) -> dict[str, int]:
    return {name: count for name, count in resolved.counts.items() if count and name != "given"}


def test_a_keys_label_is_that_of_every_answer_for_the_key():
    found = resolve(labels(key("a", "yes")), answered(("1", "a"), ("2", "b"), ("3", "a")))

    assert used(found) == {"1": "yes", "3": "yes"}
    assert fates(found) == {"matched": 1}


def test_a_label_by_request_is_that_of_one_answer():
    found = resolve(
        labels(request("1", "yes"), request("2", "no")), answered(("1", "a"), ("2", "a"))
    )

    assert used(found) == {"1": "yes", "2": "no"}
    assert fates(found) == {"matched": 2}


def test_a_label_by_row_of_a_request_is_not_that_of_its_other_rows():
    rows = answered(("1", None), ("1", None)).with_columns(row=pl.Series([0, 1]))

    found = resolve(labels(request("1", "yes", row=1)), rows)

    assert found.matched["row"].to_list() == [1]


def test_a_model_without_a_key_has_labels_by_request():
    found = resolve(
        labels(request("1", "yes"), request("9", "no"), keys=False),
        answered(("1", None)).drop("__key_0"),
    )

    assert used(found) == {"1": "yes"}
    assert fates(found) == {"matched": 1, "unknown": 1}


def test_labels_that_differ_are_used_by_nobody_and_listed():
    found = resolve(
        labels(key("a", "yes"), key("a", "no"), key("a", "yes"), key("b", "no")),
        answered(("1", "a"), ("2", "b")),
    )

    assert used(found) == {"2": "no"}
    assert fates(found) == {"contradicting": 3, "matched": 1}
    assert found.samples == {
        "contradicting": [
            {"file": "0.csv", "row": 1},
            {"file": "1.csv", "row": 1},
            {"file": "2.csv", "row": 1},
        ]
    }


def test_the_same_label_again_is_counted_as_repeated():
    found = resolve(
        labels(key("a", "yes"), key("a", "yes"), request("1", "yes")), answered(("1", "a"))
    )

    assert used(found) == {"1": "yes"}
    assert fates(found) == {"matched": 1, "repeated": 2}


def test_labels_by_request_and_by_key_of_one_answer_contradict_each_other():
    found = resolve(
        labels(key("a", "yes"), request("1", "no"), request("2", "yes")),
        answered(("1", "a"), ("2", "a"), ("3", "a")),
    )

    assert used(found) == {"2": "yes"}  # the one by request still says what it says
    assert fates(found) == {"contradicting": 2, "matched": 1}


def test_a_label_for_no_answer_is_unknown():
    found = resolve(labels(key("x", "yes"), request("9", "no")), answered(("1", "a")))

    assert fates(found) == {"unknown": 2}
    assert found.matched.height == 0


def test_a_correction_replaces_earlier_labels_visibly():
    found = resolve(
        labels(key("a", "yes"), key("a", "no"), key("a", "no", correction=True), key("b", "no")),
        answered(("1", "a"), ("2", "b")),
    )

    assert used(found) == {"1": "no", "2": "no"}
    assert fates(found) == {"matched": 2, "corrected": 2}


def test_a_correction_by_key_replaces_labels_by_request_of_its_answers():
    found = resolve(
        labels(request("1", "yes"), key("a", "no", correction=True)), answered(("1", "a"))
    )

    assert used(found) == {"1": "no"}
    assert fates(found) == {"matched": 1, "corrected": 1}


def test_a_correction_by_request_replaces_the_label_by_key_for_its_answer_alone():
    found = resolve(
        labels(key("a", "yes"), request("1", "no", correction=True)),
        answered(("1", "a"), ("2", "a")),
    )

    assert used(found) == {"1": "no", "2": "yes"}
    assert fates(found) == {"matched": 2}


def test_a_label_by_key_each_of_whose_answers_is_corrected_is_corrected():
    found = resolve(
        labels(key("a", "yes"), request("1", "no", correction=True)), answered(("1", "a"))
    )

    assert used(found) == {"1": "no"}
    assert fates(found) == {"matched": 1, "corrected": 1}


def test_a_correction_by_request_that_says_the_same_is_repeated():
    found = resolve(
        labels(key("a", "yes"), request("1", "yes", correction=True)),
        answered(("1", "a"), ("2", "a")),
    )

    assert used(found) == {"1": "yes", "2": "yes"}
    assert fates(found) == {"matched": 1, "repeated": 1}


def test_a_correction_by_request_settles_labels_by_key_that_contradict_for_its_answer():
    found = resolve(
        labels(key("a", "yes"), key("a", "no"), request("1", "no", correction=True)),
        answered(("1", "a"), ("2", "a")),
    )

    assert used(found) == {"1": "no"}
    assert fates(found) == {"matched": 1, "contradicting": 2}


def test_a_label_that_repeats_a_correction_by_request_takes_nothing_from_the_key():
    found = resolve(
        labels(key("a", "yes"), request("1", "no", correction=True), request("1", "no")),
        answered(("1", "a"), ("2", "a")),
    )

    assert used(found) == {"1": "no", "2": "yes"}
    assert fates(found) == {"matched": 2, "repeated": 1}


def test_a_label_by_key_after_a_correction_by_request_overwrites_nothing_silently():
    found = resolve(
        labels(request("1", "no", correction=True), key("a", "yes")), answered(("1", "a"))
    )

    assert fates(found) == {"contradicting": 2}


def test_a_correction_in_the_same_second_replaces_what_it_corrects():
    at = {"received": DAY}

    found = resolve(
        labels(
            key("a", "yes", **at, file="may.csv"),
            key("a", "no", **at, file="may.correction.csv", correction=True),
        ),
        answered(("1", "a")),
    )

    assert used(found) == {"1": "no"}


def test_a_later_correction_replaces_an_earlier_one():
    found = resolve(
        labels(key("a", "yes", correction=True), key("a", "no", correction=True)),
        answered(("1", "a")),
    )

    assert used(found) == {"1": "no"}


def test_a_label_after_a_correction_overwrites_nothing_silently():
    found = resolve(labels(key("a", "no", correction=True), key("a", "yes")), answered(("1", "a")))

    assert fates(found) == {"contradicting": 2}


def test_rows_of_one_correction_do_not_replace_each_other():
    same = {"received": DAY, "file": "a.correction.csv", "correction": True}

    found = resolve(
        labels(key("a", "yes", **same), key("a", "no", **same, file_row=2)), answered(("1", "a"))
    )

    assert fates(found) == {"contradicting": 2}


def test_a_label_months_late_is_used_and_counted():
    late = labels(key("a", "yes", received=DAY + timedelta(days=90)))

    found = resolve(late, answered(("1", "a")), late_after_days=60)

    assert found.matched["late"].to_list() == [True]
    assert fates(found) == {"matched": 1, "late": 1}


def test_a_label_in_time_for_a_later_answer_is_not_late():
    late = labels(key("a", "yes", received=DAY + timedelta(days=90)))
    rows = pl.concat([answered(("1", "a")), answered(("2", "a"), at=DAY + timedelta(days=80))])

    found = resolve(late, rows, late_after_days=60)

    assert found.matched["late"].to_list() == [True, False]
    assert fates(found) == {"matched": 1}


def test_nothing_answered_and_nothing_labelled_come_to_nothing():
    assert fates(resolve(labels(key("a", "yes")), answered())) == {"unknown": 1}
    assert fates(resolve(labels(), answered(("1", "a")))) == {}


REQUESTS = st.sampled_from(["1", "2", "3", "4", "5"])
KEYS = st.sampled_from(["a", "b", "c"])
LABELS = st.lists(
    st.builds(
        lambda by_key, name, ask, label, file: (
            (key(name, label) if by_key else request(ask, label))
            | {
                "received": DAY + timedelta(days=file),
                "file": f"{file}.csv",
                "correction": file == 3,
            }
        ),
        st.booleans(),
        KEYS,
        REQUESTS,
        st.sampled_from(["yes", "no"]),
        st.integers(0, 4),
    ),
    max_size=12,
)
ANSWERS = st.dictionaries(REQUESTS, KEYS | st.none(), max_size=5)


@given(LABELS, ANSWERS)
@few
def test_no_label_is_lost_or_counted_twice(given: list[Any], answers: dict[str, str | None]):
    found = resolve(labels(*given), answered(*answers.items()))

    assert found.counts["given"] == len(given) == sum(found.counts[fate] for fate in FATES)
    assert found.counts["late"] <= found.counts["matched"]


@given(LABELS, ANSWERS)
@few
def test_an_answer_has_a_label_exactly_where_all_that_say_one_say_the_same(
    given: list[Any], answers: dict[str, str | None]
):
    found = resolve(labels(*given), answered(*answers.items()))

    assert used(found) == expected(given, answers)
    assert found.matched.height == len(used(found))


def expected(given: list[Any], answers: dict[str, str | None]) -> dict[str, str]:
    """The rule said again, one answer at a time."""
    live = [one for one in given if not any(replaces(other, one, answers) for other in given)]
    chosen = {}
    settled = {asked for asked, named in answers.items() if is_settled(asked, named, live)}
    for asked, named in answers.items():
        own = {one["label"] for one in live if one.get("request_id") == asked}
        by_key = {one["label"] for one in live if named and one.get("__key_0") == named}
        others = {
            one["label"]
            for one in live
            if named and by_key and answers.get(one.get("request_id")) == named
            if one["request_id"] not in settled
        }
        # A key's label that differs from one of its answers' is used for none of them.
        says = own if asked in settled else own | by_key if own else by_key | others
        if len(says) == 1:
            chosen[asked] = says.pop()
    return chosen


def is_settled(asked: str, named: str | None, live: list[Any]) -> bool:
    """Does a correction of this answer go before all labels by its key?"""
    by_key = [one for one in live if named and one.get("__key_0") == named]
    return any(
        one.get("request_id") == asked
        and one["correction"]
        and all(one["file"] > each["file"] for each in by_key)
        and {each["label"] for each in by_key} != {one["label"]}
        for one in live
        if by_key
    )


def replaces(other: Any, one: Any, answers: dict[str, str | None]) -> bool:
    if not other["correction"] or other["file"] <= one["file"]:
        return False
    if "request_id" in other:
        return bool(other["request_id"] == one.get("request_id"))
    of = one.get("__key_0") or answers.get(one.get("request_id"))
    return bool(other["__key_0"] == of)


def test_old_labels_are_left_out_unless_they_are_of_an_answer() -> None:
    given = labels(key("a", "yes"), key("b", "yes"), request("r", "no"), request("s", "no"))
    later = labels(key("c", "yes"), key("b", "no"))
    fifth_day = (DAY + timedelta(days=5)).date()

    kept = since(given, answered(("r", None), ("q", "a")), fifth_day)

    assert kept.select("__key_0", "request_id").rows() == [("a", None), (None, "r")]
    assert since(later, answered(("q", "a")), DAY.date()).height == later.height
    assert since(given.clear(), answered(), fifth_day).height == 0
