"""kanmon down."""

import shutil
from pathlib import Path

import click

from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Verb, current

# Everything that a stage and the command line write into a home, in this version or an earlier one.
# KANMON_HOME may hold other files.
OURS = (
    *("state", "s3", "functions", "jobs", "builds", "logs", "reviews", "mlflow"),
    *("stage.json", "stage.lock", ".gitignore"),
)


@click.command(
    cls=Verb,
    name="down",
    examples="""
    kanmon down
    kanmon down --erase
    """,
)
@click.option("--erase", is_flag=True, help="Also delete its data, models and runs (.kanmon/).")
def command(erase: bool) -> None:
    """Stop the local stage; its state is kept, unless you add --erase."""
    invocation = current()
    if invocation.stage != "local":
        raise BadInputError(
            f"stage {invocation.stage} runs on AWS and is never stopped",
            f"`kanmon uninstall --stage {invocation.stage}` removes it.",
        )
    from kanmon.stage import local, tracking

    home, screen = invocation.project.home, invocation.screen
    was_up = local.status(home) is not None
    if was_up:
        screen.live("Stopping the local stage …")
    tracking.stop(home)
    local.down(home)  # also clears the record of a stage that crashed
    if erase:
        erase_home(home)
    state = "The local stage is stopped." if was_up else "The local stage was not running."
    kept = "Its state is deleted." if erase else "Its state is kept; `kanmon up` starts it again."
    screen.say(f"{state} {kept}")
    screen.document({"stage": "local", "stopped": was_up, "erased": erase})


def erase_home(home: Path) -> None:
    """Remove our files, and the folder if nothing else is in it."""
    for name in OURS:
        path = home / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if home.is_dir() and not any(home.iterdir()):
        home.rmdir()
