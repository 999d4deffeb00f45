"""What a deployment would cancel: a changed release pipeline ends what is in progress in it."""

from typing import TYPE_CHECKING, Any

from kanmon.deployment.package import parse_template, read_template
from kanmon.errors import BadInputError
from kanmon.releases.pipeline import progress_of
from kanmon.stage.connection import stage_flag

if TYPE_CHECKING:
    from core.stage.release_pipeline import Execution
    from kanmon.project import Project
    from kanmon.stage.connection import Connection

PIPELINE = "ReleasePipeline"
# It is written into the pipeline's definition.
PARAMETER = "ApprovalDays"


def refuse_to_cancel(connection: "Connection", project: "Project") -> None:
    """Raise BadInputError if the pipeline would change while releases are in progress in it.

    CodePipeline cancels them then, and refuses to retry what had failed before.
    """
    known = connection.stack_description()
    if known is None or not known.get("Outputs"):
        return
    found = [_described(one) for one in in_progress(connection)]
    if found and _would_change(connection, project, known):
        flag = stage_flag(connection.name)
        raise BadInputError(
            f"this deployment changes the release pipeline and cancels {', '.join(found)}",
            f"Decide first (`kanmon releases{flag}`), or deploy with --yes and open them again "
            f"with `kanmon run MODEL --force{flag}`.",
        )


def in_progress(connection: "Connection") -> list["Execution"]:
    """The executions of the release pipeline that have not ended, oldest first."""
    name = connection.outputs.get("ReleasePipelineName")
    if name is None:
        return []
    client = connection.client("codepipeline")
    pages = client.get_paginator("list_pipeline_executions").paginate(pipelineName=name)
    found = [
        progress_of(connection, one["pipelineExecutionId"])
        for page in pages
        for one in page["pipelineExecutionSummaries"]
        if one["status"] in ("InProgress", "Stopping")
    ]
    return [one for one in reversed(found) if one is not None and one.names is not None]


def _would_change(connection: "Connection", project: "Project", known: dict[str, Any]) -> bool:
    held: Any = connection.cloudformation.get_template(
        StackName=connection.stack, TemplateStage="Original"
    )["TemplateBody"]
    deployed = parse_template(held) if isinstance(held, str) else held
    wanted = read_template(project.root / "template.yaml")
    given = {one["ParameterKey"]: one["ParameterValue"] for one in known.get("Parameters", [])}
    days = connection.settings.parameters.get(PARAMETER, given.get(PARAMETER))
    return days != given.get(PARAMETER) or _pipeline(deployed) != _pipeline(wanted)


def _pipeline(template: dict[str, Any]) -> Any:
    return template.get("Resources", {}).get(PIPELINE, {}).get("Properties", {}).get("Stages")


def _described(execution: "Execution") -> str:
    model, number = execution.names or ("", 0)
    now = execution.current
    waits = now is not None and now.name == "ApproveRelease"
    return f"{model}/{number} ({'waits for its review' if waits else 'is being deployed'})"
