"""kanmon deploy."""

import shutil
import time

import click

from kanmon.errors import BAD_INPUT
from kanmon.terminal.invocation import Invocation, Verb, current


@click.command(
    cls=Verb,
    name="deploy",
    examples="""
    kanmon deploy                  the local stage: code, state machine, stack; seconds
    kanmon deploy --stage dev      an account: sam build, sam deploy, step images, definitions
    kanmon deploy --stage dev --no-images
    """,
)
@click.option("--no-images", is_flag=True, help="Leave the step images as they are (not local).")
def command(no_images: bool) -> int:
    """Put the platform on a stage, and publish every model's definition.

    Deploying what is there already changes nothing and says so.
    """
    from kanmon.deployment import platform

    invocation = current()
    screen, project = invocation.screen, invocation.project
    began = time.monotonic()
    if invocation.stage == "local":
        connection = invocation.connection
        change = platform.deploy_locally(connection, project, screen.live)
        what, took = change.what, change.seconds
    else:
        platform.run_sam(project, invocation.stage)
        connection = invocation.connection
        _images(invocation, no_images)
        what, took = "deployed", time.monotonic() - began
    new, wrong = platform.publish_definitions(connection, project)
    if what == "unchanged":
        screen.say(f"Stack {connection.stack} is deployed already; nothing changed")
    else:
        screen.say(f"Stack {connection.stack} is {what} ({took:.1f} s)")
    if new:
        screen.say(f"Published the definition of {', '.join(new)}")
    for line in wrong.values():
        screen.problem(line)
    screen.document(
        {
            "stage": invocation.stage,
            "stack": connection.stack,
            "change": what,
            "outputs": connection.outputs,
            "definitions": {"published": new, "invalid": wrong},
        }
    )
    return BAD_INPUT if wrong else 0


def _images(invocation: Invocation, left_alone: bool) -> None:
    from kanmon.deployment import platform

    connection = invocation.connection
    if left_alone:
        return
    if shutil.which("docker"):
        platform.push_images(connection, invocation.project, invocation.screen.note)
        return
    invocation.screen.note("docker is not here. Where it is, these commands bring the step images:")
    registry = connection.outputs["StepsRepositoryUri"].split("/")[0]
    invocation.screen.note(
        f"  aws ecr get-login-password | docker login --username AWS --password-stdin {registry}"
    )
    for words in platform.image_commands(connection.outputs["StepsRepositoryUri"]):
        invocation.screen.note(f"  {' '.join(words)}")
