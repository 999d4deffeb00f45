"""What model.yaml and the folder say about a train step of the model's own."""

import pytest

from core.definition.parse import DefinitionError, apply_parameters, parse_definition
from core.definition.train import image_tag, train_problem
from core.runs.rungs import Rung, Wish, rung_of
from core.stage.images import StepFunctions

TEXT = """
name: linear
task: regression
target: y
features: [{name: a, kind: numeric}]
trainer: {library: own, parameters: {components: 3, anything: "x"}}
metrics: {primary: rmse}
"""
FUNCTIONS = StepFunctions({"train": "sha256:a"}, 3008)


def test_an_own_train_step_takes_parameters_of_any_name() -> None:
    definition = parse_definition(TEXT, "model.yaml")

    changed = apply_parameters(definition, {"components": 5})

    assert changed.trainer.parameters == {"components": 5, "anything": "x"}


def test_it_is_a_job_because_no_function_has_its_image() -> None:
    definition = parse_definition(TEXT, "model.yaml")
    image = "repository@sha256:b"

    found = {
        step: rung_of(step, Wish.of(definition, step), 1.0, image, FUNCTIONS)
        for step in ("train", "evaluate")
    }

    assert found["train"] == Rung("processing", "own image")
    assert found["evaluate"] == Rung("processing", "no function")


def test_it_may_have_a_machine_with_a_graphics_processor() -> None:
    text = TEXT + "resources: {train: {instance_type: ml.g5.xlarge}}\n"

    assert parse_definition(text, "model.yaml").resources.train.instance_type == "ml.g5.xlarge"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("compute: {train: lambda}", "no function of Lambda has the model's own image"),
        ("compute: {train: {hosts: 2}}", "own trains on one machine here"),
        ("batch: {explain: 3}", "explanations follow from trees"),
        ("search: {space: {depth: {low: 1, high: 9}}}", "an own train.py can search by itself"),
    ],
)
def test_what_no_own_train_step_can_do_is_refused(more: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        parse_definition(f"{TEXT}{more}\n", "model.yaml")


@pytest.mark.parametrize(
    ("files", "library", "has_dockerfile", "words"),
    [
        ({}, "own", False, "there is no train/Dockerfile; write it"),
        ({"train.py": b""}, "lightgbm", False, "train.py is there, but model.yaml has no"),
        ({}, "xgboost", True, "train/Dockerfile is there, but model.yaml has no"),
        ({"train.py": b"x = ("}, "own", True, "train.py line 1: is not Python"),
        ({"train.py": b"\xff"}, "own", True, "train.py is not UTF-8 text (byte 0)"),
        ({"train.py": b"def fitted(data): ..."}, "own", True, "defines no function fit; write"),
        ({"train.py": b"#" * 200_001}, "own", True, "train.py has 200001 bytes"),
    ],
)
def test_a_folder_that_does_not_fit_its_definition_is_refused(
    files: dict[str, bytes], library: str, has_dockerfile: bool, words: str
) -> None:
    problem = train_problem(files, library, has_dockerfile=has_dockerfile)

    assert problem is not None
    assert words in problem


@pytest.mark.parametrize(
    ("files", "library", "has_dockerfile"),
    [
        ({}, "lightgbm", False),
        ({"train.py": b"def fit(data): ..."}, "own", True),
        ({}, "own", True),  # an image of another kind
    ],
)
def test_a_folder_that_fits_has_no_problem(
    files: dict[str, bytes], library: str, has_dockerfile: bool
) -> None:
    assert train_problem(files, library, has_dockerfile=has_dockerfile) is None


def test_the_image_is_named_after_the_model() -> None:
    assert image_tag("linear") == "train-linear"


def test_only_an_own_train_step_begins_with_a_file() -> None:
    base = f"base: {{file: encoder.onnx, sha256: {'a' * 64}}}"
    lightgbm = TEXT.replace('library: own, parameters: {components: 3, anything: "x"}', base)

    with pytest.raises(DefinitionError, match="is a file that an own train step begins with"):
        parse_definition(lightgbm, "model.yaml")


@pytest.mark.parametrize("file", ["../other/encoder.onnx", "a/b", ".hidden", ""])
def test_a_base_is_a_file_of_the_models_own_folder(file: str) -> None:
    base = f"library: own, base: {{file: '{file}', sha256: {'a' * 64}}}"
    text = TEXT.replace('library: own, parameters: {components: 3, anything: "x"}', base)

    with pytest.raises(DefinitionError, match=r"trainer\.base\.file"):
        parse_definition(text, "model.yaml")


def test_a_base_without_a_digest_names_the_command_that_prints_one() -> None:
    text = TEXT.replace("library: own", "library: own, base: {file: encoder.onnx, sha256: ABC}")

    with pytest.raises(DefinitionError, match="the 64 digits that `sha256sum FILE` prints"):
        parse_definition(text, "model.yaml")
