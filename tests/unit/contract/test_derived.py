"""Features computed from a column are the same in training and in the scorer."""

import datetime
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contract.derived import Derived, derive
from contract.derived import seconds as column_seconds
from contract.encoding import EncodedFeature, Encoding
from contract.step import StepError
from scorer.derived import seconds
from scorer.encoding import read_encoding
from scorer.rows import Encoder
from scorer.schema import row_schema

PARTS = ["year", "quarter", "month", "day", "weekday", "day_of_year", "hour", "days"]
NO_DATE = "is not a date; send 2026-01-31, 2026-01-31T12:00:00 or null"
ZONES = ["", "Z", " UTC", "+00", "+05:30", "-0930", "+24:00", "+1"]
DATES = st.dates(datetime.date(900, 1, 1)).map(str) | st.sampled_from(
    ["2026-02-30", "2024-02-29", "26-01-01", "2026-1-1", "01/02/2026", "", "NA", "١٩٩٩-01-01"]
)
TIMES = st.times().map(str) | st.sampled_from(["24:00:00", "23:59:60", "7:00", "12:30", "12"])
TEXTS = st.builds(
    lambda before, date, between, time, zone: f"{before}{date}{between}{time}{zone}",
    st.sampled_from(["", " ", "\u00a0"]),
    DATES,
    st.sampled_from(["T", " ", "x"]),
    TIMES,
    st.sampled_from(ZONES),
)


@given(st.lists(TEXTS | DATES | st.text(max_size=12), min_size=1))
@example(["9999-12-31T23:59:59-23:59", "1000-01-01T00:00:00+23:59"])
@settings(max_examples=300)
def test_training_and_scorer_read_the_same_moment_in_a_text(texts):
    frame = pl.DataFrame({"at": texts}, schema={"at": pl.String})

    assert frame.select(column_seconds(pl.col("at"))).to_series().to_list() == list(
        map(seconds, texts)
    )


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", "2026-01-31T00:00:00"),
        ("2026-01-31 12:30", "2026-01-31T12:30:00"),
        ("2026-01-31T12:30:15.987654", "2026-01-31T12:30:15"),
        ("2026-01-31T12:30:15+09:00", "2026-01-31T03:30:15"),  # with an offset: UTC
        ("2026-01-31 12:30:15-0330", "2026-01-31T16:00:15"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59"),
        ("31.01.2026", None),
        ("2026-02-29", None),
        ("2026-01-31T24:00:00", None),
    ],
)
def test_a_date_is_iso_and_an_offset_makes_it_utc(text, moment):
    wanted = None
    if moment is not None:
        wanted = datetime.datetime.fromisoformat(moment).replace(tzinfo=datetime.UTC).timestamp()
    assert seconds(text) == wanted


@given(
    st.lists(
        st.datetimes(datetime.datetime(1000, 1, 1)).map(lambda at: at.isoformat()) | st.none(),
        min_size=1,
    ),
    st.lists(st.floats(-1e15, 1e15) | st.none(), min_size=1),
    st.floats(-1e12, 1e12).filter(bool),
)
@settings(max_examples=150)
def test_serving_and_training_compute_the_same_matrix(dates, numbers, offset):
    derived = [Derived(f"at_{part}", "at", part) for part in PARTS[:-1]]
    derived.append(Derived("at_days", "at", "days", "2001-02-03"))
    derived.append(Derived("ts", "ts", offset=offset))
    names = [*(one.name for one in derived), "plain"]
    encoding = Encoding(
        "regression",
        "target",
        None,
        tuple(EncodedFeature(name, "numeric", (), float("nan")) for name in names),
        None,
        tuple(derived),
    )
    count = min(len(dates), len(numbers))
    frame = pl.DataFrame(
        {"at": dates[:count], "ts": numbers[:count], "plain": [1.5] * count},
        schema={"at": pl.String, "ts": pl.Float64, "plain": pl.Float32},
    )
    again = Encoding.from_json(encoding.to_json())
    sent = json.loads(json.dumps(frame.to_dicts()))

    encoded = Encoder(read_encoding(encoding.to_json())).encode(sent)

    assert encoding.columns == ("at", "ts", "plain")
    assert encoded.errors == []
    np.testing.assert_array_equal(encoded.matrix, again.matrix(frame))


def test_the_parts_of_a_date_are_the_calendars():
    frame = pl.DataFrame({"at": ["2024-12-31T18:00:00"]})

    found = derive(frame, [Derived(part, "at", part, "2024-12-30") for part in PARTS])

    assert found.select(PARTS).row(0, named=True) == {
        "year": 2024, "quarter": 4, "month": 12, "day": 31, "weekday": 2,
        "day_of_year": 366, "hour": 18, "days": 1.75,
    }  # fmt: skip


def test_an_offset_keeps_the_digits_that_float32_would_lose():
    frame = pl.DataFrame({"ts": [1_700_000_000.0, 1_700_000_001.0]})

    found = derive(frame, [Derived("ts", "ts", offset=1_700_000_000)])

    assert found["ts"].to_list() == [0, 1]
    assert frame["ts"].cast(pl.Float32).n_unique() == 1


@pytest.mark.parametrize(
    ("frame", "derived", "words"),
    [
        (pl.DataFrame({"x": [1.0]}), Derived("m", "at", "month"), "have no column 'at'"),
        (pl.DataFrame({"at": [1.0]}), Derived("m", "at", "month"), "'at' is Float64"),
        (pl.DataFrame({"at": ["1"]}), Derived("at", "at", offset=1), "'at' is String"),
        (
            pl.DataFrame({"ts": [1.0]}, schema={"ts": pl.Float32}),
            Derived("ts", "ts", offset=5),
            "the model subtracts 5 from 'ts', whose rows have lost those digits",
        ),
    ],
)
def test_rows_that_a_model_cannot_be_computed_from_are_refused(frame, derived, words):
    with pytest.raises(StepError, match=words):
        derive(frame, [derived])


@pytest.mark.parametrize(
    ("row", "feature", "message"),
    [
        ({"at": "soon"}, "at", f"'soon' {NO_DATE}"),
        ({"at": 20260131}, "at", f"20260131 {NO_DATE}"),
        (
            {"at": None, "at_month": 1},
            "at_month",
            "is not a feature of this model; its features are at",
        ),
    ],
)
def test_what_is_no_date_is_refused_by_its_columns_name(row, feature, message):
    features = (EncodedFeature("at_month", "numeric", (), 6.0),)
    derived = (Derived("at_month", "at", "month"),)
    encoding = Encoding("regression", "y", None, features, None, derived)

    encoded = Encoder(read_encoding(encoding.to_json())).encode(
        [row, {"at": "2026-03-01"}, {"at": None}]
    )

    assert encoded.errors == [{"row": 0, "feature": feature, "message": message}]
    assert encoded.matrix.tolist() == [[3], [6]]


def test_a_requests_schema_has_the_datas_columns():
    features = tuple(
        EncodedFeature(name, "numeric", (), 6.0) for name in ("at_month", "x", "at_hour", "ts")
    )
    derived = (
        Derived("at_month", "at", "month"),
        Derived("at_hour", "at", "hour"),
        Derived("ts", "ts", offset=1_700_000_000),
    )
    encoding = Encoding("regression", "y", None, features, None, derived)

    row = row_schema(read_encoding(encoding.to_json()))["properties"]

    assert list(row) == list(encoding.columns) == ["at", "x", "ts"]
    assert row["at"]["type"] == ["string", "null"]
    assert row["ts"]["description"] == "As in the data: the model subtracts 1700000000."


def test_a_model_without_derived_features_has_the_encoding_of_before():
    encoding = Encoding("regression", "y", None, (EncodedFeature("x", "numeric", (), 6.0),), None)

    assert "derived" not in json.loads(encoding.to_json())


VALUES = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=3)
    | st.dates().map(str)
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["at", "ts", "x"]), VALUES) | st.none(), min_size=1),
    st.sampled_from([1.7e9, 3e38, -3e38]),
)
@example([{"ts": -1e38}], 3e38)
@settings(max_examples=200)
def test_whatever_is_sent_a_row_is_computed_or_has_one_error(sent, offset):
    features = tuple(EncodedFeature(name, "numeric", (), 6.0) for name in ("at_day", "ts", "x"))
    derived = (Derived("at_day", "at", "day"), Derived("ts", "ts", offset=offset))
    encoding = Encoding("regression", "y", None, features, None, derived)

    blank = dict.fromkeys(("at", "ts", "x"))
    encoded = Encoder(read_encoding(encoding.to_json())).encode(
        [blank | row if isinstance(row, dict) else row for row in sent]
    )

    refused = [error["row"] for error in encoded.errors]
    assert sorted([*encoded.rows, *refused]) == list(range(len(sent)))
    assert np.isfinite(encoded.matrix).all()
