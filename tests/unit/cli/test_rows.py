"""Rows to score, from CSV and JSON lines."""

from dataclasses import replace

import pytest

from kanmon.errors import BadInputError
from kanmon.scoring.rows import Row, Schema, read_rows

SCHEMA = Schema(
    {"acid": "numeric", "colour": "categorical"},
    frozenset({"quality", "id"}),
    frozenset({"", "NA"}),
)


def rows(text, schema=SCHEMA):
    return list(read_rows(text.splitlines(keepends=True), schema))


def test_a_table_gives_numbers_texts_and_missing_values_and_leaves_the_target_out():
    assert rows("id,colour,acid,quality\n1,red,0.5,7\n2,NA,,8\n") == [
        Row(1, {"colour": "red", "acid": 0.5}),
        Row(2, {"colour": None, "acid": None}),
    ]


def test_a_number_among_categories_stays_a_text():
    assert rows("acid,colour\n,1\n")[0].values == {"acid": None, "colour": "1"}


def test_what_is_no_number_goes_to_the_scorer_as_it_is():
    assert rows("acid,colour\nsour,red\n1e999,red\n") == [
        Row(1, {"acid": "sour", "colour": "red"}),
        Row(2, {"acid": "1e999", "colour": "red"}),
    ]


LENIENT = replace(SCHEMA, optional=frozenset({"colour"}))


def test_a_column_that_may_be_missing_is_sent_as_null():
    assert rows("acid\n1\n", LENIENT) == [Row(1, {"acid": 1.0, "colour": None})]
    assert rows("colour,acid\nred,1\n", LENIENT) == [Row(1, {"acid": 1.0, "colour": "red"})]
    assert rows('{"acid": 1}\n{"colour": "red"}\n', LENIENT) == [
        Row(1, {"acid": 1, "colour": None}),
        Row(2, problem="leaves out acid; write null where a value is unknown"),
    ]


def test_a_table_without_features_of_the_model_is_refused_with_their_names():
    with pytest.raises(BadInputError) as refused:
        rows("acid,id\n1,7\n")

    assert refused.value.line() == (
        "the rows lack 1 of the model's 2 features: colour. Add a column for each, with empty "
        "cells where a value is unknown; or score without them: --allow-missing colour."
    )


def test_of_many_features_that_are_lacking_each_can_be_allowed():
    wide = Schema({f"f {number}": "numeric" for number in range(40)})

    with pytest.raises(BadInputError) as refused:
        rows("f 0\n1\n", wide)

    assert refused.value.what.startswith("the rows lack 39 of the model's 40 features: f 1, f 2,")
    assert refused.value.what.endswith(", f 30 and 9 more")
    assert refused.value.fix.endswith("--allow-missing 'f 1', and so on for each.")


def test_a_row_with_too_many_fields_is_told_and_the_others_are_read():
    assert rows("acid,colour\n1,red,x\n2,red\n") == [
        Row(1, problem="has 3 fields, the header 2"),
        Row(2, {"acid": 2.0, "colour": "red"}),
    ]


def test_quotes_may_hold_the_delimiter_and_line_breaks():
    assert rows('colour,acid\n"red, or\nblue",1\n')[0].values == {
        "colour": "red, or\nblue",
        "acid": 1.0,
    }


def test_json_lines_are_read_as_they_are_without_the_target():
    assert rows('{"acid": 0.5, "colour": null, "quality": 7}\n\n[1]\n{"acid": NaN}\n{') == [
        Row(1, {"acid": 0.5, "colour": None}),
        Row(2, problem="is not a JSON object; write {feature: value, …}"),
        Row(3, problem="is not JSON: NaN is not a number; send null for a missing value"),
        Row(
            4,
            problem="is not JSON: expecting property name enclosed in double quotes (column 2)",
        ),
    ]


def test_a_mark_at_the_beginning_and_another_delimiter_are_fine():
    schema = Schema(SCHEMA.features, SCHEMA.others, SCHEMA.null_values, ";")

    assert rows("\ufeffacid;colour\n1;red\n", schema)[0].values == {"acid": 1.0, "colour": "red"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "there are no rows"),
        ("\n \n", "there are no rows"),
        ("[1, 2]\n", "the rows are a JSON list"),
        ("1,2\n", "the first line names none of the model's features (acid, colour)"),
        ("acid,acid\n1,2\n", "the header names acid twice"),
        ("acid,kolour\n1,red\n", "the model has no feature kolour"),
        ('acid,colour\n"1\n', "line 2 is not CSV: unexpected end of data"),
    ],
)
def test_a_text_that_is_no_table_says_why(text, what):
    with pytest.raises(BadInputError) as refused:
        rows(text)

    assert refused.value.what == what


def test_a_key_that_is_also_a_feature_is_sent():
    schema = Schema({"id": "numeric"}, frozenset({"id", "quality"}))

    assert rows('{"id": 3, "quality": 7}\n', schema) == [Row(1, {"id": 3})]


KEYED = replace(SCHEMA, key=("id",))


def test_the_key_is_kept_beside_the_features():
    assert rows("id,colour,acid\n007,red,0.5\nNA,red,0.5\n", KEYED) == [
        Row(1, {"colour": "red", "acid": 0.5}, key={"id": "007"}),
        Row(2, {"colour": "red", "acid": 0.5}, key={"id": None}),
    ]
    assert rows('{"id": 7, "colour": "red", "acid": 1}\n{"colour": "red", "acid": 1}\n', KEYED) == [
        Row(1, {"colour": "red", "acid": 1}, key={"id": 7}),
        Row(2, {"colour": "red", "acid": 1}),
    ]


def test_a_key_that_is_a_feature_is_both():
    schema = Schema({"id": "numeric"}, frozenset({"quality"}), key=("id",))

    assert rows("id,quality\n3,7\n", schema) == [Row(1, {"id": 3.0}, key={"id": "3"})]
