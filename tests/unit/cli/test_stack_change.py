"""Bringing a stack to a template: what is done while the stage is at work, and when nothing is."""

import json
from py_compile import PyCompileError
from types import SimpleNamespace
from typing import Any

import pytest

from kanmon.deployment import package, publishing, stack
from kanmon.errors import BadInputError
from kanmon.models.definitions import read_folder
from shipping import scorer_package

TEMPLATE = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}


class Stage:
    """A stage whose stack takes three looks to be created; it notes what happens."""

    def __init__(self, template: dict[str, Any] | None = None) -> None:
        self.happened: list[str] = []
        self.looks = 0
        self.template = template
        self.stack, self.stack_poll_seconds = "kanmon-local", 0
        self.settings = SimpleNamespace(parameters={})
        self.cloudformation = self

    def stack_description(self) -> dict[str, Any] | None:
        if self.template is None:
            return None
        self.happened.append("looked")
        self.looks += 1
        done = self.looks > 2 or "created" not in self.happened
        return {"StackStatus": "CREATE_COMPLETE" if done else "CREATE_IN_PROGRESS"}

    def get_template(self, **_: Any) -> dict[str, Any]:
        return {"TemplateBody": json.dumps(self.template)}

    def create_stack(self, TemplateBody: str, **_: Any) -> None:  # noqa: N803 - AWS's name
        self.happened.append("created")
        self.template = json.loads(TemplateBody)


def applied(stage: Any) -> str:
    def meanwhile() -> None:
        stage.happened.append("meanwhile")

    return stack.apply(stage, TEMPLATE, {}, lambda *_: {}, lambda _: None, meanwhile).what


def test_the_rest_is_prepared_while_the_stage_works_on_the_stack():
    stage = Stage()

    assert applied(stage) == "created"
    assert stage.happened == ["created", "meanwhile", "looked", "looked", "looked"]


def test_nothing_is_prepared_where_nothing_is_waited_for():
    stage = Stage(TEMPLATE)

    assert applied(stage) == "unchanged"
    assert stage.happened == ["looked"]


def test_models_are_read_once_and_what_is_wrong_with_one_stays_its_own(project, monkeypatch):
    (project.root / "models/broken").mkdir()
    (project.root / "models/broken/model.yaml").write_text("name: [")
    read = []
    monkeypatch.setattr(
        publishing,
        "read_folder",
        lambda path: read.append(path.name) or read_folder(path),
    )
    models = publishing.Sources(project)

    first, second = models.folders, models.folders

    assert first is second
    assert read == project.models()
    assert isinstance(first["broken"], BadInputError)


def test_what_is_published_is_read_while_the_stage_works_and_not_again(project, monkeypatch):
    made, compiled = [], []
    (project.root / "serving/scoring").mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(
        scorer_package, "without_libraries", lambda folder: compiled.append(folder) or b"package"
    )
    sources = publishing.Sources(project)

    sources.read(SimpleNamespace(client=made.append))

    assert (sources.scorer, made) == (b"package", ["dynamodb"])
    assert compiled == [project.root / "serving/scoring"]


def test_a_scorer_that_is_no_python_stops_no_deployment_before_it_is_published(project):
    scoring = project.root / "serving/scoring"
    scoring.mkdir(parents=True, exist_ok=True)
    (scoring / "broken.py").write_text("def (")
    sources = publishing.Sources(project)

    sources.read(SimpleNamespace(client=lambda _: None))

    with pytest.raises(PyCompileError):
        _ = sources.scorer


def test_changing_a_template_that_was_read_changes_no_other_reading(tmp_path):
    path = tmp_path / "template.yaml"
    path.write_text("Resources: {Topic: {Type: AWS::SNS::Topic}}")

    package.read_template(path)["Resources"].clear()

    assert package.read_template(path) == TEMPLATE


def test_a_template_that_has_changed_is_read_again(tmp_path):
    path = tmp_path / "template.yaml"
    path.write_text("Resources: {Queue: {Type: AWS::SQS::Queue}}")
    assert package.read_template(path) != TEMPLATE

    path.write_text("Resources: {Topic: {Type: AWS::SNS::Topic}}")

    assert package.read_template(path) == TEMPLATE


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", "a: {b: 1, b: 2}\n"])
def test_a_key_that_is_there_twice_is_refused_every_time(tmp_path, text):
    path = tmp_path / "template.yaml"
    path.write_text(text)

    for _ in range(2):
        with pytest.raises(BadInputError, match="is there twice"):
            package.read_yaml(path)
