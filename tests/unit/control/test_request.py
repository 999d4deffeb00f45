"""What may be asked of a run."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.runs.request import RunRequest, RunRequestError, parse_request


def test_only_the_model_is_required() -> None:
    assert parse_request({"model": "abalone"}) == RunRequest(
        model="abalone", reason="manual", force=False, parameters={}, definition=None
    )


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({}, "model: field required"),
        ({"model": "Abalone!"}, "model: 'Abalone!' is not a model name, which has 2 to 20"),
        ({"model": "abalone", "fource": True}, "fource: unknown key; did you mean force?"),
        ({"model": "abalone", "force": "yes"}, "force: input should be a valid boolean"),
        ({"model": "abalone", "parameters": {"a": []}}, "parameters.a: is not a single value"),
        ({"model": "abalone", "definition": "x"}, "definition: string should match pattern"),
        (None, "input: input should be"),
        ([], "input: input should be"),
    ],
)
def test_a_wrong_input_gets_one_line_with_an_example(raw: Any, words: str) -> None:
    with pytest.raises(RunRequestError) as raised:
        parse_request(raw)

    assert str(raised.value).startswith(f"the run's input, {words}")
    assert str(raised.value).endswith(
        'write an input such as {"model": "abalone", "reason": "manual"}'
    )


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.dictionaries(st.sampled_from([*RunRequest.model_fields, "x"]), inner),
)


@given(raw=anything)
def test_any_input_is_a_request_or_a_request_error(raw: Any) -> None:
    try:
        assert isinstance(parse_request(raw), RunRequest)
    except RunRequestError as error:
        assert "\n" not in str(error)
