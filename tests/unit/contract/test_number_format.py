"""Numbers in text, as a column and as a single cell."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.number_format import NumberFormat

FORMATS = [
    NumberFormat(),
    NumberFormat(","),
    NumberFormat(",", "."),
    NumberFormat(".", ","),
    NumberFormat(",", " "),
    NumberFormat(".", "'"),
]
TEXTS = st.text("0123456789.,' +-eE", max_size=12) | st.sampled_from(["inf", "-Infinity", "1e5"])


@given(st.sampled_from(FORMATS), st.lists(TEXTS, min_size=1))
@settings(max_examples=300)
def test_a_column_and_a_cell_are_read_alike(number_format, texts):
    frame = pl.DataFrame({"x": texts})

    assert frame.select(number_format.column(pl.col("x")))["x"].to_list() == [
        number_format.number(text) for text in texts
    ]


@given(st.sampled_from(FORMATS[1:]), st.floats(-1e9, 1e9))
def test_a_number_is_read_as_it_was_written(number_format, number):
    written = f"{number:,.3f}".replace(",", "T").replace(".", number_format.decimal)

    read = number_format.number(written.replace("T", number_format.thousands))

    assert read == float(f"{number:.3f}")


@pytest.mark.parametrize(
    "text", ["1.5", "1,234.5", "12,34,5", "1.23.456", "1.2345,5", "", ".", "-"]
)
def test_another_pattern_is_no_number(text):
    assert NumberFormat(",", ".").number(text) is None
