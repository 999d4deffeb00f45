"""kanmon run."""

from datetime import UTC, datetime
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING

import click

from kanmon.errors import InterruptedByUserError
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current

if TYPE_CHECKING:
    from kanmon.runs.execution import Ending, Visit


@click.command(
    cls=Verb,
    name="run",
    examples="""
    kanmon run abalone
    kanmon run abalone --set learning_rate=0.05 --set rounds=500 --reason "try a slower rate"
    kanmon run abalone --force              even if nothing is new
    kanmon run abalone --set num_leaves=7 --note "are small trees enough?"
    kanmon run abalone --instance train=ml.m5.4xlarge
    kanmon run abalone --no-wait --json
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.option("--force", is_flag=True, help="Run even if an earlier good run had the same inputs.")
@click.option(
    "--reason", default="manual", show_default=True, help="The reason; stored with the run."
)
@click.option("--note", help="What you want to remember of it; stored with the run.")
@click.option(
    "--set",
    "pairs",
    metavar="KEY=VALUE",
    multiple=True,
    help="Set a trainer parameter (repeatable).",
)
@click.option(
    "--instance",
    "machines",
    metavar="STEP=TYPE",
    multiple=True,
    help="Give a step this machine for this run (repeatable).",
)
@click.option("--name", help="The run's name: up to 37 letters, digits, hyphens.")
@click.option("--no-wait", is_flag=True, help="Start it and return.")
def command(
    model: str,
    force: bool,
    reason: str,
    note: str | None,
    pairs: tuple[str, ...],
    machines: tuple[str, ...],
    name: str | None,
    no_wait: bool,
) -> int:
    """Retrain a model: preprocess, train, evaluate, judge, register.

    The model's folder is validated, and published if it changed. Nothing is trained if data,
    definition, code and parameters are the same as in an earlier good run. A step with --instance
    is a job on that machine. Ctrl-C stops watching, not the run.
    """
    from kanmon.models import definitions
    from kanmon.runs import execution, request
    from kanmon.stage.connection import stage_flag

    invocation = current()
    path = invocation.project.model_folder(model)
    given = request.parse_parameters(pairs)
    instances = request.parse_instances(machines)
    digest = None if given else definitions.published_as_it_is(invocation, path)
    folder = None
    if digest is None:
        folder = definitions.read_folder(path)
        request.check_parameters(folder, given)
        digest = folder.sha256
    run = request.run_name(model, name)
    connection = invocation.connection
    screen = invocation.screen
    request.check_gathers(connection, path)
    if folder and definitions.publish(connection, folder):
        screen.note(f"Published the definition of {model} ({digest[:12]})")
    commit = request.current_commit(invocation.project)
    by = request.started_by(connection)
    document = request.run_input(
        model, reason, force, given, digest, commit, instances, note=note, by=by
    )
    arn = execution.start(connection, run, document)
    flag = stage_flag(connection.name)
    if no_wait:
        screen.say(f"Run {run} has started. `kanmon show {run}{flag}` shows it.")
        screen.document({"run": run, "model": model, "status": "RUNNING", "execution_arn": arn})
        return 0
    ending = _followed(invocation, run, arn)
    return print_outcome(invocation, model, run, ending)


def _followed(invocation: Invocation, run: str, arn: str) -> "Ending":
    """Show the run until it ends. Ctrl-C ends the showing alone."""
    from kanmon.runs import execution
    from kanmon.stage.connection import stage_flag

    connection, screen = invocation.connection, invocation.screen
    try:
        screen.note(f"Run {run}")
        connection.prepare("s3")
        Thread(target=import_module, args=["kanmon.runs.outcome"], daemon=True).start()
        return execution.follow(connection, arn, Progress(invocation))
    except KeyboardInterrupt as interrupt:
        screen.settle()
        flag = stage_flag(connection.name)
        raise InterruptedByUserError(
            f"run {run} continues",
            f"`kanmon show {run}{flag}` shows it, `kanmon stop {run}{flag}` stops it.",
        ) from interrupt


class Progress:
    """One line for each state that has ended; the current state is shown live."""

    def __init__(self, invocation: Invocation) -> None:
        self._screen = invocation.screen
        self._printed = 0

    def __call__(self, visits: "list[Visit]") -> None:
        """Print the visits that have ended since the last call."""
        from core.words.formats import duration
        from kanmon.runs.display import state_line

        now = datetime.now(UTC)
        for visit in visits[self._printed :]:
            line = state_line(visit.state, duration(visit.seconds(now)), visit.attempts)
            if visit.ended is None:
                self._screen.live(line)
                break
            self._screen.note(line)
            self._printed += 1


def print_outcome(invocation: Invocation, model: str, run: str, ending: "Ending") -> int:
    """Print how a run ended, for people or as a document; the exit code."""
    from kanmon.runs.outcome import describe

    outcome = describe(invocation.connection, invocation.project, model, run, ending)
    for line in outcome.lines:
        invocation.screen.say(line)
    invocation.screen.document(outcome.document)
    if outcome.problem:
        invocation.screen.problem(outcome.problem)
    return outcome.exit_code
