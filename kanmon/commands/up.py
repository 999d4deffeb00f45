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
@click.option("--docker", is_flag=True, help="Run the steps in their container images.")
def command(docker: bool) -> None:
    """Start the local stage with the state it had before.

    The local stage is an embedded AWS. It listens on this machine only and keeps its state in
    .kanmon/. It does nothing if the stage is already running.
    """
    invocation = current()
    if invocation.stage != "local":
        raise BadInputError(
            f"stage {invocation.stage} runs on AWS and is always up",
            f"Deploy it with `kanmon deploy --stage {invocation.stage}`.",
        )
    from core.words.formats import duration
    from kanmon.stage import local

    home, screen = invocation.project.home, invocation.screen
    before = local.status(home)
    began = time.monotonic()
    if docker and before is not None and not before.docker:
        raise BadInputError(
            f"the local stage is already running at {before.endpoint}, without --docker",
            "Run `kanmon down`, then `kanmon up --docker`; its state is kept.",
        )
    try:
        with screen.waiting("Starting the local stage"):
            running = local.up(invocation.project, docker=docker)
    except local.StageError as error:
        raise StageError(str(error)) from error
    already = before is not None and before.pid == running.pid
    took = time.monotonic() - began
    how = " and runs jobs in containers" if running.docker else ""
    screen.say(
        f"The local stage is already running at {running.endpoint}{how}"
        if already
        else f"The local stage is up at {running.endpoint}{how} ({duration(took)})"
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
