"""kanmon up."""

import time

import click

from kanmon.errors import BadInputError, StageError
from kanmon.terminal.invocation import Verb, current


@click.command(
    cls=Verb,
    name="up",
    examples="""
    kanmon up
    kanmon up && kanmon deploy
    """,
)
@click.option("--docker", is_flag=True, help="Run the steps in their built images.")
def command(docker: bool) -> None:
    """Start the local stage; its state is as it was.

    An embedded AWS that listens on this machine only and keeps everything in .kanmon/. Running it
    again when it is up does nothing.
    """
    invocation = current()
    if invocation.stage != "local":
        raise BadInputError(
            f"stage {invocation.stage} lives in AWS and is always up",
            f"Deploy it with `kanmon deploy --stage {invocation.stage}`.",
        )
    from kanmon.stage import local

    home, screen = invocation.project.home, invocation.screen
    before = local.status(home)
    began = time.monotonic()
    if docker and before is not None and not before.docker:
        raise BadInputError(
            f"the local stage is up already at {before.endpoint}, and not with --docker",
            "Run `kanmon down`, then `kanmon up --docker`; its state stays.",
        )
    screen.live("Starting the local stage …")
    try:
        running = local.up(invocation.project, docker=docker)
    except local.StageError as error:
        raise StageError(str(error)) from error
    already = before is not None and before.pid == running.pid
    took = time.monotonic() - began
    how = " and runs jobs in their images" if running.docker else ""
    screen.say(
        f"The local stage is up already at {running.endpoint}{how}"
        if already
        else f"The local stage is up at {running.endpoint}{how} ({took:.1f} s)"
    )
    screen.document(
        {
            "stage": "local",
            "endpoint": running.endpoint,
            "pid": running.pid,
            "region": running.region,
            "docker": running.docker,
            "started": not already,
        }
    )
