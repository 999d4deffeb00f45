"""A deployment that changes the release pipeline says first what it would cancel."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.stage.release_pipeline import Action, Execution
from kanmon.errors import BadInputError
from kanmon.releases import waiting_releases
from kanmon.releases.waiting_releases import refuse_to_cancel

TEMPLATE = """
Parameters:
  ApprovalDays: {Type: Number}
Resources:
  ReleasePipeline:
    Properties:
      Stages:
        - Name: !Sub "${AWS::StackName}-review"
  Other: {Properties: {Size: SIZE}}
"""


def execution(number: int, now: str) -> Execution:
    variables = {"model": "wine", "release": str(number)}
    return Execution(
        f"e-{number}", "InProgress", None, None, variables, (Action("S", now, "InProgress"),)
    )


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stage with this template, where two releases are in progress."""
    found = [execution(7, "ApproveRelease"), execution(8, "DeployRelease")]
    monkeypatch.setattr(waiting_releases, "in_progress", lambda connection: found)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    held = {"TemplateBody": TEMPLATE}
    known = {
        "Outputs": [{}],
        "Parameters": [{"ParameterKey": "ApprovalDays", "ParameterValue": "7"}],
    }
    connection = SimpleNamespace(
        name="dev",
        stack="kanmon-dev",
        settings=SimpleNamespace(parameters={}),
        stack_description=lambda: known,
        cloudformation=SimpleNamespace(get_template=lambda **asked: held),
        found=found,
    )
    return connection, SimpleNamespace(root=tmp_path)


def test_the_same_pipeline_cancels_nothing(deployed: Any) -> None:
    connection, project = deployed
    (project.root / "template.yaml").write_text(TEMPLATE.replace("SIZE", "2"))

    refuse_to_cancel(connection, project)


@pytest.mark.parametrize("by", ["template", "parameter"])
def test_a_changed_pipeline_is_refused_and_names_what_it_would_cancel(
    deployed: Any, by: str
) -> None:
    connection, project = deployed
    if by == "template":
        (project.root / "template.yaml").write_text(TEMPLATE.replace("-review", "-look"))
    else:
        connection.settings.parameters["ApprovalDays"] = "14"

    with pytest.raises(BadInputError) as refused:
        refuse_to_cancel(connection, project)

    assert "wine/7 (waits for its review), wine/8 (is being deployed)" in str(refused.value)
    assert "--yes" in str(refused.value.fix)


def test_where_nothing_is_in_progress_any_change_goes_ahead(deployed: Any) -> None:
    connection, project = deployed
    connection.found.clear()
    (project.root / "template.yaml").write_text(TEMPLATE.replace("-review", "-look"))

    refuse_to_cancel(connection, project)
