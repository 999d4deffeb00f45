"""model.yaml of a model whose features are computed by features.py, and the files of its folder."""

import pytest

from core.definition.folder import folder_problem
from core.definition.parse import DefinitionError, parse_definition

MODEL_YAML = """\
name: rings
task: regression
target: rings
data: {key: [id]}
inputs:
  - {name: length, kind: numeric, minimum: 0, private: true}
  - {name: height, kind: numeric, nullable: false}
  - {name: sex, kind: categorical}
features:
  - {name: ratio, kind: numeric}
  - {name: sex, kind: categorical}
split: {by: {group: site}}
segments: [sex, length, ratio]
metrics: {primary: rmse}
ignore: [note]
"""


def test_inputs_are_read_and_features_are_learned_from() -> None:
    definition = parse_definition(MODEL_YAML, "model.yaml")

    assert [each.name for each in definition.sources] == ["length", "height", "sex"]
    assert [each.name for each in definition.features] == ["ratio", "sex"]
    content = definition.model_dump(mode="json", exclude={"batch": True})
    assert [each["name"] for each in content["inputs"]] == ["length", "height", "sex"]
    assert "batch" not in content


def test_a_model_without_features_py_is_written_as_before() -> None:
    inputs = MODEL_YAML[MODEL_YAML.index("inputs:") : MODEL_YAML.index("features:")]
    text = MODEL_YAML.replace(inputs, "").replace("length, ", "")
    definition = parse_definition(text, "model.yaml")

    assert "inputs" not in definition.model_dump(mode="json")
    assert definition.sources == definition.features


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "{name: height, kind: numeric, nullable: false}",
            "{name: height, kind: numeric, offset: 5}",
            "line 7, inputs[1].offset: an input is a column as it is; compute it in features.py",
        ),
        (
            "{name: height, kind: numeric, nullable: false}",
            "{name: days, kind: numeric, derive: {column: at, part: day}}",
            "line 7, inputs[1].derive: an input is a column as it is; compute it in features.py",
        ),
        (
            "{name: ratio, kind: numeric}",
            "{name: ratio, kind: numeric, minimum: 0}",
            "line 10, features[0].minimum: belongs to an input, because features.py says what a "
            "feature is; remove it",
        ),
        (
            "{name: ratio, kind: numeric}",
            "{name: length, kind: categorical}",
            "line 10, features[0].kind: 'length' is an input of another kind, and a feature with "
            "an input's name is that input; write the same",
        ),
        (
            "{name: ratio, kind: numeric}\n",
            "{name: note, kind: numeric}\n",
            "line 10, features[0].name: 'note' is a column of the data (a key, ignored or in "
            "split.by); give the feature another name",
        ),
        (
            "{name: height, kind",
            "{name: length, kind",
            "line 7, inputs[1].name: the input 'length' is declared twice; remove one",
        ),
        (
            "{name: height, kind",
            "{name: rings, kind",
            "line 7, inputs[1].name: 'rings' is the target; remove it from the inputs",
        ),
        (
            "ignore: [note]",
            "ignore: [height]",
            "line 15, ignore[0]: 'height' is also an input, the target, a key or in split.by; "
            "remove it from one",
        ),
        (
            "segments: [sex, length, ratio]",
            "segments: [sexx]",
            "line 13, segments[0]: 'sexx' is not a feature or an input; did you mean sex?",
        ),
    ],
)
def test_a_mistake_gets_one_line_with_place_and_fix(old: str, new: str, words: str) -> None:
    text = MODEL_YAML.replace(old, new)
    if "ratio" in old:
        text = text.replace(", ratio]", "]")

    with pytest.raises(DefinitionError) as raised:
        parse_definition(text, "model.yaml")

    assert raised.value.problems == [f"model.yaml {words}"]


def test_inputs_and_features_py_come_together() -> None:
    yaml, both = {"model.yaml": b""}, {"model.yaml": b"", "features.py": b""}

    assert folder_problem(both, has_inputs=True) is None
    assert folder_problem(yaml, has_inputs=False) is None
    assert "no features.py is beside it" in str(folder_problem(yaml, has_inputs=True))
    assert "model.yaml has no inputs; list" in str(folder_problem(both, has_inputs=False))
