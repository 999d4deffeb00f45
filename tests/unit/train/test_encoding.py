"""The encoding: what a value becomes, and that it survives its JSON."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.encoding import EncodedFeature, Encoding
from contract.step import StepError
from tests.support.training_cases import plan

NAMES = st.text(min_size=1, max_size=20)
FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


def colours(*values: str | None) -> pl.DataFrame:
    return pl.DataFrame(
        {"colour": pl.Series(values, dtype=pl.String), "target": [1.0] * len(values)}
    )


def learned(frame: pl.DataFrame, rows: int = 1, most: int = 100, **features: str) -> Encoding:
    trainer = {"min_category_rows": rows, "max_categories": most}
    return Encoding.learn(frame, plan(features=features, trainer=trainer))


def test_a_category_becomes_a_number_in_the_order_of_its_name():
    encoding = learned(colours("red", "blue", "red"), colour="categorical")

    assert encoding.matrix(colours("blue", "red")).tolist() == [[0.0], [1.0]]


def test_a_feature_and_a_target_may_have_the_name_of_a_count():
    rows = pl.DataFrame({"count": ["red", "blue", "red", "blue"]})

    encoding = learned(rows.with_columns(target=1.0), count="categorical")
    classes = Encoding.learn(
        rows.with_columns(size=1.0),
        plan("multiclass", features={"size": "numeric"}, target="count"),
    ).classes

    assert encoding.matrix(rows).ravel().tolist() == [1.0, 0.0, 1.0, 0.0]
    assert classes == ("blue", "red")


def test_a_missing_category_becomes_the_commonest_where_training_missed_none():
    encoding = learned(colours("red", "blue", "red"), colour="categorical")

    assert encoding.matrix(colours(None)).tolist() == [[1.0]]


def test_missing_and_unseen_have_numbers_after_the_categories():
    encoding = learned(colours("red", None, "blue"), colour="categorical")

    asked = colours("blue", "red", "mauve", None)
    assert encoding.matrix(asked).ravel().tolist() == [0.0, 1.0, 2.0, 3.0]


def test_rare_categories_share_a_number_and_an_unseen_one_joins_them():
    frame = colours("red", "red", "blue", "blue", "mauve", "pink", None)
    encoding = learned(frame, rows=2, colour="categorical")

    asked = colours("blue", "red", "mauve", "pink", "never seen", None)
    assert encoding.matrix(asked).ravel().tolist() == [0.0, 1.0, 2.0, 2.0, 2.0, 3.0]


def test_beyond_max_categories_the_less_common_are_rare():
    frame = colours("red", "red", "blue", "mauve", "mauve")
    encoding = learned(frame, most=2, colour="categorical")

    assert encoding.features[0].categories == ("mauve", "red")
    assert encoding.matrix(colours("blue", "red", None)).ravel().tolist() == [2.0, 1.0, 0.0]


@given(
    values=st.lists(st.none() | st.sampled_from("abcdefgh"), min_size=1, max_size=40),
    rows=st.integers(1, 4),
    most=st.integers(1, 5),
)
def test_whatever_is_asked_has_a_number_and_each_number_but_the_unseen_ones_was_trained_on(
    values, rows, most
):
    encoding = learned(colours(*values), rows, most, colour="categorical")
    [feature] = encoding.features

    trained = set(encoding.matrix(colours(*values)).ravel())
    assert set(encoding.matrix(colours("a", "never seen", None)).ravel()) <= {
        *trained,
        feature.unseen,
    }
    assert {*trained, feature.unseen} == set(range(feature.numbers))
    assert len(feature.categories) <= most


def test_a_missing_number_becomes_the_median_where_training_missed_none():
    frame = pl.DataFrame({"size": [1.0, 2.0, 9.0], "target": [1.0, 2.0, 3.0]})
    encoding = learned(frame, size="numeric")

    asked = pl.DataFrame({"size": [None, math.nan, 4.0]})
    assert encoding.matrix(asked).tolist() == [[2.0], [2.0], [4.0]]


def test_a_missing_number_stays_missing_where_training_had_missing_ones():
    frame = pl.DataFrame({"size": [1.0, None, 9.0], "target": [1.0, 2.0, 3.0]})
    encoding = learned(frame, size="numeric")

    assert np.isnan(encoding.matrix(pl.DataFrame({"size": [None, math.nan]}, strict=False))).all()


FEATURES = st.builds(
    EncodedFeature,
    name=NAMES,
    kind=st.sampled_from(["numeric", "categorical"]),
    categories=st.lists(NAMES, unique=True, max_size=4).map(lambda names: tuple(sorted(names))),
    fallback=FINITE,
    unseen=FINITE,
)


@given(features=st.lists(FEATURES, max_size=4), classes=st.none() | st.tuples(NAMES, NAMES))
def test_any_encoding_survives_its_json(features, classes):
    encoding = Encoding("binary", "t", "yes", tuple(features), classes)

    assert Encoding.from_json(encoding.to_json()) == encoding


def test_a_missing_fallback_is_null_in_json():
    frame = pl.DataFrame({"size": [1.0, None], "target": [1.0, 2.0]})
    encoding = learned(frame, size="numeric")

    assert '"fallback": null' in encoding.to_json()
    assert math.isnan(Encoding.from_json(encoding.to_json()).features[0].fallback)


@given(values=st.lists(st.none() | NAMES, min_size=1, max_size=12))
def test_every_known_category_gets_a_code_of_its_own(values):
    encoding = learned(colours(*values), colour="categorical")

    known = sorted({value for value in values if value is not None})
    assert encoding.matrix(colours(*known))[:, 0].tolist() == list(range(len(known)))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (pl.DataFrame({"size": [1.0]}), "the rows to score have no column 'colour'"),
        (pl.DataFrame({"colour": [1.0]}), "'colour' was categorical when the model was trained"),
    ],
)
def test_rows_that_do_not_fit_the_model_are_refused_in_words(asked, words):
    encoding = learned(colours("red", "blue"), colour="categorical")

    with pytest.raises(StepError, match=words):
        encoding.matrix(asked)


def test_a_class_not_seen_in_training_is_refused_by_name():
    frame = pl.DataFrame({"size": [1.0, 2.0] * 2, "target": ["a", "b"] * 2})
    encoding = Encoding.learn(frame, plan("multiclass", features={"size": "numeric"}))

    with pytest.raises(StepError, match="class 'c' of 'target' is in 1 of the test rows"):
        encoding.labels(pl.DataFrame({"target": ["a", "c"]}), "test")


def test_an_encoding_of_another_format_is_refused():
    with pytest.raises(StepError, match="has format 3"):
        Encoding.from_json('{"format": 3}')
