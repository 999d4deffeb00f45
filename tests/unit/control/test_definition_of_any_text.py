"""Whatever model.yaml holds is a definition, or is refused in lines that begin with its name."""

from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from core.definition.parse import DefinitionError, parse_definition
from core.definition.schema import ModelDefinition
from tests.support.control_cases import DEFINITION, MODEL_YAML

SOURCE = "models/churn/model.yaml"


def read_or_refused(text: str) -> None:
    try:
        definition = parse_definition(text, SOURCE)
    except DefinitionError as error:
        assert error.problems
        assert all("\n" not in line and line.startswith(SOURCE) for line in error.problems)
        assert "\n" not in str(error)
    else:
        assert isinstance(definition, ModelDefinition)


@given(text=st.text())
@example('"\\UFFFFFFFF"')
@example('"\\uD800"')
@example("\ud800")
@example("%YAML 99999999999999999999.1\n---\na")
@example("? [a]\n: b")
@example("a: " + "9" * 5000)
@example("=: <<")
def test_any_text_is_a_definition_or_a_definition_error(text: str) -> None:
    read_or_refused(text)


pieces = st.sampled_from(
    [
        *MODEL_YAML.splitlines(keepends=True),
        "  - ",
        "{",
        "}",
        "[",
        "&a ",
        "*a",
        "!!set ",
        ": ",
        "\t",
    ]
)


@given(pieces=st.lists(pieces, max_size=25))
def test_any_jumble_of_a_definition_is_one_or_a_definition_error(pieces: list[str]) -> None:
    read_or_refused("".join(pieces))


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*ModelDefinition.model_fields, "kind", "x"]), inner)
    ),
    max_leaves=10,
)


@given(change=st.dictionaries(st.sampled_from([*ModelDefinition.model_fields]), documents))
def test_any_value_under_any_key_is_a_definition_or_a_definition_error(
    change: dict[str, Any],
) -> None:
    document = {**DEFINITION.model_dump(), **change}

    # In C: writing takes longer than reading.
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    read_or_refused(yaml.dump(document, Dumper=dumper, allow_unicode=True))
