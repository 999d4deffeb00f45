"""Rows as callers send them become the matrix that training would have made of them."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.encoding import EncodedFeature
from contract.encoding import Encoding as TrainingEncoding
from scorer.encoding import read_encoding
from scorer.rows import MOST_WARNINGS, Encoder, IncompleteError, limited
from tests.support.training_cases import HOSTILE

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
INTEGERS = st.integers(-(2**53), 2**53)
NAMES = ["size", HOSTILE, "colour"]
CATEGORIES = ["", "1", "10", "blue", HOSTILE]


def encoding(
    fallbacks: tuple[float | None, float | None, float | None], unseen: float | None = None
) -> TrainingEncoding:
    kinds = ("numeric", "numeric", "categorical")
    return TrainingEncoding(
        task="regression",
        target="target",
        positive=None,
        classes=None,
        features=tuple(
            EncodedFeature(
                name,
                kind,
                tuple(sorted(CATEGORIES)) if kind == "categorical" else (),
                float("nan") if fallback is None else fallback,
                float("nan") if unseen is None else unseen,
            )
            for name, kind, fallback in zip(NAMES, kinds, fallbacks, strict=True)
        ),
    )


ENCODER = Encoder(read_encoding(encoding((0.5, None, 2.0)).to_json()))


def row(**values):
    """A row with every feature; null where no value is given."""
    return dict.fromkeys(NAMES) | values


@st.composite
def rows(draw):
    """Rows with every feature, some null, in the features' order or in any."""
    number = st.none() | FLOATS | INTEGERS
    category = st.none() | st.sampled_from([*CATEGORIES, "never seen"])
    every = st.tuples(number, number, category).map(lambda row: dict(zip(NAMES, row, strict=True)))
    mixed = st.tuples(every, st.permutations(NAMES)).map(
        lambda drawn: {name: drawn[0][name] for name in drawn[1]}
    )
    return draw(st.lists(draw(st.sampled_from([every, mixed, every | mixed])), min_size=1))


@given(
    sent=rows(),
    fallbacks=st.tuples(*[st.none() | st.sampled_from([0.0, 1.0])] * 3),
    unseen=st.none() | st.sampled_from([0.0, 5.0, 6.0]),
)
@settings(max_examples=150)
def test_serving_and_training_make_the_same_matrix_of_the_same_rows(sent, fallbacks, unseen):
    training = encoding(fallbacks, unseen)
    frame = pl.DataFrame(
        {
            name: pl.Series(
                [row.get(name) for row in sent],
                dtype=pl.String if name == "colour" else pl.Float64,
                strict=False,
            )
            for name in NAMES
        }
    )

    encoded = Encoder(read_encoding(training.to_json())).encode(json.loads(json.dumps(sent)))

    assert encoded.errors == []
    assert list(encoded.rows) == list(range(len(sent)))
    np.testing.assert_array_equal(encoded.matrix, training.matrix(frame))


@given(
    sent=st.lists(
        st.dictionaries(
            st.sampled_from([*NAMES, "other"]),
            st.none()
            | st.booleans()
            | st.floats()
            | st.integers()
            | st.text(max_size=3)
            | st.just([])
            | st.just({}),
        ).map(lambda given: dict.fromkeys(NAMES) | given)
        | st.none()
        | st.integers(),
        min_size=1,
    )
)
@settings(max_examples=200)
def test_whatever_is_sent_each_row_is_either_encoded_or_has_one_error(sent):
    encoded = ENCODER.encode(sent)

    refused = [error["row"] for error in encoded.errors]
    assert sorted([*encoded.rows, *refused]) == list(range(len(sent)))
    assert encoded.matrix.shape == (len(encoded.rows), 3)
    assert not np.isinf(encoded.matrix).any()


@pytest.mark.parametrize(
    ("row", "feature", "message"),
    [
        ({"size": "abc"}, "size", "'abc' is not a number; send a number or null"),
        ({"size": "7"}, "size", "'7' is not a number; send a number or null"),
        ({"size": True}, "size", "true is not a number; send a number or null"),
        ({"size": []}, "size", "a list is not a number; send a number or null"),
        (
            {"size": float("nan")},
            "size",
            "nan is not a finite 32-bit number; send a finite number or null",
        ),
        (
            {"size": float("-inf")},
            "size",
            "-inf is not a finite 32-bit number; send a finite number or null",
        ),
        (  # finite, but not as float32
            {"size": 1e39},
            "size",
            "1e+39 is not a finite 32-bit number; send a finite number or null",
        ),
        (
            {"size": 10**5000},
            "size",
            "a number of thousands of digits is not a finite 32-bit number; "
            "send a finite number or null",
        ),
        (
            {"colour": 1.5},
            "colour",
            "1.5 is not a category; send it as text, or null when it is missing",
        ),
        (
            {"colour": False},
            "colour",
            "false is not a category; send it as text, or null when it is missing",
        ),
        (
            {"tint": "red"},
            "tint",
            "is not a feature of this model; its features are " + ", ".join(NAMES),
        ),
        ([], None, "a row is an object of features, not a list"),
        (
            {"size": "a", "colour": []},
            "size",
            "'a' is not a number; send a number or null (and 1 more problem in this row)",
        ),
    ],
)
def test_a_bad_row_gets_an_error_of_its_own_and_the_others_are_scored(row, feature, message):
    good = {"size": 1, HOSTILE: 2.5, "colour": "blue"}

    bad = dict.fromkeys(NAMES) | row if isinstance(row, dict) else row

    encoded = ENCODER.encode([good, bad, good])

    assert encoded.errors == [{"row": 1, "feature": feature, "message": message}]
    assert list(encoded.rows) == [0, 2]
    assert encoded.matrix.tolist() == [[1.0, 2.5, 3.0 + (HOSTILE < "blue")]] * 2


# Preprocess gives whole numbers one spelling, so training only knows the category 1.
@pytest.mark.parametrize("value", ["1", 1, 1.0, "1.0"])
def test_a_category_that_is_a_whole_number_has_many_spellings(value):
    [[_, _, code]] = ENCODER.encode([row(colour=value)]).matrix.tolist()

    assert code == sorted(CATEGORIES).index("1")


@pytest.mark.parametrize(
    ("fallback", "unseen", "scored", "words"),
    [
        (5.0, 5.0, 5.0, "missing"),  # training had missing values
        (6.0, 5.0, 5.0, "every such category"),
        (1.0, 1.0, 1.0, "'1'"),  # training had neither, and 1 is the commonest
    ],
)
def test_the_warning_of_a_new_category_says_what_it_is_scored_as(fallback, unseen, scored, words):
    encoder = Encoder(read_encoding(encoding((0.5, None, fallback), unseen).to_json()))

    encoded = encoder.encode([row(size=1, colour=one) for one in ("007", None, "10")])

    assert encoded.matrix[:, 2].tolist() == [scored, fallback, 2.0]
    message = f"'007' was rare or absent in the training rows; scored as {words}"
    assert encoded.warnings == [{"row": 0, "feature": "colour", "message": message}]


@pytest.mark.parametrize("first", [row(size=1), row(size="abc"), 5])
def test_a_row_without_any_value_is_warned_of(first):
    encoded = ENCODER.encode([first, row(), row(colour="blue"), row()])

    message = "no feature has a value that training saw, so the prediction says nothing of this row"
    assert encoded.warnings == [
        {"row": number, "feature": None, "message": message} for number in (1, 3)
    ]
    assert set(encoded.rows) >= {1, 2, 3}


def remarks(sent):
    with pytest.raises(IncompleteError) as refused:
        ENCODER.encode(sent)
    assert {remark["row"] for remark in refused.value.remarks} == {None}
    return [(remark["feature"], remark["message"]) for remark in refused.value.remarks]


def test_rows_that_leave_out_features_are_refused_with_their_names_and_numbers():
    send = "send it, or null where its value is unknown"

    assert remarks([{"colour": "blue"}, {"colour": "blue", "size": 1.0}]) == [
        ("size", f"is left out of row 0; {send}"),
        (HOSTILE, f"is left out of every row; {send}"),
    ]
    assert remarks([row(), {"size": 1, HOSTILE: 2}, row(), {}, {}]) == [
        ("size", f"is left out of rows 3 and 4; {send}"),
        (HOSTILE, f"is left out of rows 3 and 4; {send}"),
        ("colour", f"is left out of rows 1, 3 and 4; {send}"),
    ]


def test_a_misspelled_feature_is_named_beside_the_one_that_is_left_out():
    sent = row(colour=1) | {"sise": 3.0}
    del sent["size"]

    assert remarks([sent] * 3) == [
        ("size", "is left out of every row; send it, or null where its value is unknown"),
        ("sise", "is not a feature of this model; its features are " + ", ".join(NAMES)),
    ]


@pytest.mark.parametrize(
    ("value", "reason"), [(-0.1, "-0.1 is less than 0"), (10.5, "10.5 is more than 10")]
)
def test_a_value_that_model_yaml_calls_impossible_is_refused(value, reason):
    bounds = [{"name": "size", "minimum": 0, "maximum": 10}]
    encoder = Encoder(read_encoding(encoding((0.5, None, 2.0)).to_json(), bounds))

    encoded = encoder.encode([row(size=size) for size in (value, 0, 10, None)])

    message = f"{reason}, which model.yaml calls impossible; correct it or send null"
    assert encoded.errors == [{"row": 0, "feature": "size", "message": message}]
    assert list(encoded.rows) == [1, 2, 3]


def test_a_model_of_one_feature_scores_as_any_other():
    one = TrainingEncoding(
        "regression", "t", None, (EncodedFeature("a", "numeric", (), 1.0),), None
    )
    encoder = Encoder(read_encoding(one.to_json()))

    assert encoder.encode([{"a": 2}, {"a": None}]).matrix.tolist() == [[2], [1]]


def test_warnings_without_number_are_counted_instead_of_listed():
    many = [{"row": row, "feature": "a", "message": "x"} for row in range(MOST_WARNINGS + 5)]

    assert limited(many)[-1] == {"row": None, "feature": None, "message": "and 5 more like these"}
    assert len(limited(many)) == MOST_WARNINGS + 1
