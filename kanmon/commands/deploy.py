"""kanmon deploy."""

import time
from typing import TYPE_CHECKING

import click

from kanmon.errors import BAD_INPUT
from kanmon.terminal.invocation import Invocation, Verb, current

if TYPE_CHECKING:
    from kanmon.deployment.publishing import Sources


@click.command(
    cls=Verb,
    name="deploy",
    examples="""
    kanmon deploy                  the local stage: code, state machine, stack; seconds
    kanmon deploy --stage dev      an account: sam build, sam deploy, then `kanmon publish`
    kanmon deploy --stage dev --no-images
    """,
)
@click.option("--no-images", is_flag=True, help="Leave the step images as they are (not local).")
@click.option("--yes", is_flag=True, help="Deploy even if that cancels releases in progress.")
def command(no_images: bool, yes: bool) -> int:
    """Put the platform on a stage, then publish step images and definitions.

    What is deployed already does not change; step images are always rebuilt and pushed.
    """
    from kanmon.deployment import (
        experiments,
        gatherers,
        package,
        prices,
        publishing,
        standing_cost,
        step_images,
        words,
    )
    from kanmon.project import stage_settings
    from kanmon.releases import waiting_releases

    invocation = current()
    screen, project, stage = invocation.screen, invocation.project, invocation.stage
    for part in (words, gatherers, experiments):
        part.check(stage_settings(project, stage))
    if with_docker := stage != "local" and not no_images and step_images.has_docker():
        step_images.check(stage)
    connection = invocation.connection
    # Before the first question, because a local stage that was just started is not ready for it.
    package.check_sources(project.root)
    connection.client("cloudformation")  # it is asked first, and uploads are prepared meanwhile
    connection.prepare("s3")
    if not yes:
        waiting_releases.refuse_to_cancel(connection, project)
    sources = publishing.Sources(project)
    what = _deployed(invocation, sources)
    if stage != "local" and not no_images and not with_docker:
        screen.note(f"docker is not here. Run `kanmon publish --stage {stage}` where it is.")
        no_images = True
    prices.refresh(connection, screen)
    published = publishing.publish(connection, project, screen, not no_images, sources)
    if stage != "local":
        screen.note(f"Stage {stage} costs {standing_cost.line(project.root)}.")
    screen.document(
        {
            "stage": stage,
            "stack": connection.stack,
            "change": what,
            "outputs": connection.outputs,
            **published.document(),
        }
    )
    return BAD_INPUT if published.invalid else 0


def _deployed(invocation: Invocation, sources: "Sources") -> str:
    """Bring the stack up to date, and read meanwhile what is published; what became of it."""
    from core.words.formats import duration
    from kanmon.deployment import platform

    screen, project, stage = invocation.screen, invocation.project, invocation.stage
    began = time.monotonic()
    if stage == "local":
        connection = invocation.connection
        with screen.waiting("Deploying to the local stage"):
            change = platform.deploy_locally(
                connection, project, screen.live, lambda: sources.read(connection)
            )
        what, took = change.what, change.seconds
    else:
        platform.run_sam(project, stage)
        what, took = "deployed", time.monotonic() - began
    stack = invocation.connection.stack
    if what == "unchanged":
        screen.say(f"Stack {stack} is deployed already; nothing changed")
    else:
        screen.say(f"Stack {stack} is {what} ({duration(took)})")
    return what
