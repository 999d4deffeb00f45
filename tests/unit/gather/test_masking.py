"""A secret's text does not get into the log, however a program prints it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gather.masking import LONGEST_LINE, MASK, Mask

SECRET = json.dumps({"user": "shop-reader", "password": 'p"ss/wörd', "port": 54321, "tls": True})


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("signing in as shop-reader", "signing in as ***"),
        (f"got {SECRET}!", "got ***!"),
        ("{'password': 'p\"ss/wörd'}", "{'password': '***'}"),
        (json.dumps('p"ss/wörd'), '"***"'),
        ("https://shop-reader:p%22ss%2Fw%C3%B6rd@crm", "https://***:***@crm"),
        ("port 54321", "port ***"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_each_value_of_a_secret_is_masked_in_each_form(printed: str, shown: str) -> None:
    assert Mask(SECRET).text(printed) == shown


def test_a_secret_of_several_lines_is_masked_line_by_line() -> None:
    mask = Mask("-----BEGIN KEY-----\nMIIEpA\n-----END KEY-----\n")

    assert mask.text("read MIIEpA") == f"read {MASK}"


def test_true_false_null_and_what_has_under_four_characters_are_not_masked() -> None:
    secret = '{"a": true, "b": 1, "c": "", "d": [false, null], "e": "abc", "f": "abcd", "g": 1234}'
    printed = "true, false, null, 1, 12 and abc"

    assert Mask(secret).text(printed) == printed
    assert Mask(secret).text("abcd, 1234") == f"{MASK}, {MASK}"
    assert Mask(None).text("anything") == Mask("").text("anything") == "anything"


@given(st.integers(1, 40), st.sampled_from(["", "a ", "\n"]))
def test_a_secret_that_arrives_in_pieces_is_masked(size: int, before: str) -> None:
    printed = f"{before}the word is hunter22, not hunter23\nand hunter22".encode()
    mask = Mask("hunter22")

    pieces = [printed[start : start + size] for start in range(0, len(printed), size)]
    shown = "".join(map(mask.feed, pieces)) + mask.end()

    assert shown == f"{before}the word is ***, not hunter23\nand ***"


def test_a_line_without_an_end_is_shown_in_pieces_and_masked() -> None:
    mask, line = Mask("hunter22"), b"x" * (LONGEST_LINE - 3) + b"hunt"

    shown = mask.feed(line) + mask.feed(b"er22" + b"y" * 10) + mask.end()

    assert "hunt" not in shown
    assert shown.count("y") == 10
