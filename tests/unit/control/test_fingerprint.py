"""The fingerprint: equal exactly when data, definition, code and parameters are."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.runs.fingerprint import fingerprint

word = st.text(max_size=3)
scalar = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | word
ingredients = st.fixed_dictionaries(
    {
        "snapshot": word,
        "definition": word,
        "images": st.dictionaries(word, word, max_size=2),
        "parameters": st.dictionaries(word, scalar, max_size=2),
    }
)


@given(one=ingredients, other=ingredients)
def test_two_runs_have_one_fingerprint_exactly_when_they_are_made_of_the_same(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    # repr tells 1, 1.0 and True apart, as a trainer does.
    same = all(
        sorted(one[key].items(), key=repr).__repr__()
        == sorted(other[key].items(), key=repr).__repr__()
        if isinstance(one[key], dict)
        else one[key] == other[key]
        for key in one
    )

    assert (fingerprint(**one) == fingerprint(**other)) is same


def test_the_order_of_steps_and_parameters_does_not_matter() -> None:
    assert fingerprint("s", "d", {"a": "1", "b": "2"}, {"x": 1, "y": 2}) == fingerprint(
        "s", "d", {"b": "2", "a": "1"}, {"y": 2, "x": 1}
    )
