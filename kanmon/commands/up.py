"""kanmon up."""

import time

import click

from kanmon.errors import BadInputError, KanmonError, StageError
from kanmon.terminal.invocation import Invocation, Verb, current


@click.command(
    cls=Verb,
    name="up",
    examples="""
    kanmon up
    kanmon up && kanmon deploy
    kanmon up --mlflow && kanmon deploy     record runs in MLflow, on this machine
    kanmon up --mlflow https://mlflow.example.com
    """,
)
@click.option("--docker", is_flag=True, help="Run the steps in their container images.")
@click.option(
    "--mlflow",
    "mlflow",
    metavar="[URI]",
    is_flag=False,
    flag_value="here",
    help="Record runs in MLflow: on this machine, or on the server of a URI; none ends it.",
)
def command(docker: bool, mlflow: str | None) -> None:
    """Start the local stage with the state it had before.

    The local stage is an embedded AWS. It listens on this machine only and keeps its state in
    .kanmon/. It does nothing if the stage is already running. With --mlflow it also starts a
    tracking server of MLflow, which then starts and stops with the stage; `kanmon deploy` makes
    the stage record there.
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
    took = time.monotonic() - began
    already = before is not None and before.pid == running.pid
    how = " and runs jobs in containers" if running.docker else ""
    screen.say(
        f"The local stage is already running at {running.endpoint}{how}"
        if already
        else f"The local stage is up at {running.endpoint}{how} ({duration(took)})"
    )
    records = _records(invocation, mlflow)
    screen.document(
        {
            "stage": "local",
            "endpoint": running.endpoint,
            "pid": running.pid,
            "region": running.region,
            "docker": running.docker,
            "started": not already,
            "mlflow": records,
        }
    )


def _records(invocation: Invocation, wanted: str | None) -> str | None:
    """Where runs are recorded from now on. The stage is up also where its old server fails."""
    from kanmon.stage import tracking

    screen, home = invocation.screen, invocation.project.home
    before = tracking.choice(home)
    try:
        with screen.waiting("Starting MLflow"):
            if wanted:
                now = tracking.choose(invocation.project, wanted)
            else:
                now = tracking.start_again(invocation.project)
    except KanmonError as error:
        if wanted:
            raise
        screen.note(f"{error.line()} `kanmon up --mlflow none` does without it.")
        return tracking.choice(home).uri
    if now.uri:
        screen.say(f"Runs are recorded in MLflow at {now.uri}")
    if now.uri != before.uri:
        screen.note("`kanmon deploy` tells the stage where its runs are recorded.")
    return now.uri
