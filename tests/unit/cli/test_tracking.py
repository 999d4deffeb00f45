"""Where a local stage records its runs: what may be chosen, and what is refused with its fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from kanmon.deployment import experiments
from kanmon.errors import BadInputError
from kanmon.project import Project, StageSettings
from kanmon.runs.request import run_input
from kanmon.stage import tracking


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("KANMON_HOME", raising=False)
    return Project(tmp_path)


def test_a_teams_server_is_what_the_next_deployment_sets(project: Project) -> None:
    assert tracking.parameters(project.home) == {"MlflowTracking": ""}

    tracking.choose(project, "https://mlflow.example.com")
    assert tracking.start_again(project).uri == "https://mlflow.example.com"
    assert tracking.parameters(project.home) == {"MlflowTracking": "https://mlflow.example.com"}

    tracking.choose(project, "none")
    assert tracking.parameters(project.home) == {"MlflowTracking": ""}


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("app", "write one such as https"),
        ("http://mlflow.example.com", "only https is encrypted"),
        ("arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/a", "a laptop has no role"),
    ],
)
def test_what_a_laptop_cannot_reach_is_refused_and_nothing_is_chosen(
    project: Project, wanted: str, words: str
) -> None:
    with pytest.raises(BadInputError, match=words):
        tracking.choose(project, wanted)

    assert tracking.choice(project.home) == tracking.Choice()


def test_without_mlflow_the_one_line_says_how_to_get_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(project.root))

    with pytest.raises(BadInputError) as caught:
        tracking.choose(project, "here")
    assert caught.value.line() == (
        "MLflow is not installed. `make .venv-mlflow/ready` installs it."
    )


def test_a_process_that_got_the_servers_number_is_left_alone(project: Project) -> None:
    import os

    place = project.home / tracking.FOLDER
    place.mkdir(parents=True)
    uri = '"http://127.0.0.1:5001"'
    (place / "choice.json").write_text(f'{{"uri": {uri}, "port": 5001, "pid": {os.getpid()}}}')

    assert tracking.stop(project.home) is False


@pytest.mark.parametrize(
    ("stage", "value", "words"),
    [
        ("local", "app", "there is no MLflow App on the local stage"),
        ("dev", "http://127.0.0.1:5001", "a function in AWS cannot reach"),
        ("dev", "mlflow.example.com", "write one such as"),
        ("prod", "http://mlflow.example.com", "only https is encrypted"),
    ],
)
def test_samconfigs_setting_is_refused_before_anything_is_deployed(
    stage: str, value: str, words: str
) -> None:
    settings = StageSettings(stage, f"kanmon-{stage}", None, None, {"MlflowTracking": value})

    with pytest.raises(BadInputError, match=words) as caught:
        experiments.check(settings)
    assert f"samconfig.toml: [{stage}.deploy.parameters] MlflowTracking" in caught.value.what


@pytest.mark.parametrize(
    ("stage", "value"),
    [("dev", ""), ("dev", "app"), ("local", "http://127.0.0.1:5001"), ("dev", "https://a.b/c")],
)
def test_other_settings_are_taken(stage: str, value: str) -> None:
    experiments.check(StageSettings(stage, "kanmon", None, None, {"MlflowTracking": value}))


@pytest.mark.parametrize("note", ["", "  ", "x" * 1001])
def test_a_note_says_something_and_not_too_much(note: str) -> None:
    with pytest.raises(BadInputError, match="the note has"):
        run_input("churn", "manual", False, {}, "d" * 64, None, note=note)


def test_a_note_and_who_asks_are_in_the_executions_input() -> None:
    document = run_input("churn", "manual", False, {}, "d" * 64, None, note="why", by="ada")

    assert (document["note"], document["by"]) == ("why", "ada")
