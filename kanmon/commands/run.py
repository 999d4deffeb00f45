"""kanmon run."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from core.words.formats import duration
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
    kanmon run abalone --force              even when nothing is new
    kanmon run abalone --no-wait --json
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.option("--force", is_flag=True, help="Run even when an earlier good run was the same.")
@click.option("--reason", default="manual", show_default=True, help="Why; kept with the run.")
@click.option("--set", "pairs", metavar="KEY=VALUE", multiple=True, help="A trainer parameter.")
@click.option("--name", help="Name the run yourself (letters, digits, hyphens; up to 37).")
@click.option("--no-wait", is_flag=True, help="Start it and return.")
def command(
    model: str,
    force: bool,
    reason: str,
    pairs: tuple[str, ...],
    name: str | None,
    no_wait: bool,
) -> int:
    """Retrain a model: preprocess, train, evaluate, judge, register.

    The model's folder is validated first, then published if it changed. Nothing is trained when
    data, definition, code and parameters are those of an earlier good run. Ctrl-C stops watching,
    not the run.
    """
    from kanmon.models import definitions
    from kanmon.runs import execution, retrain
    from kanmon.stage.connection import stage_flag

    invocation = current()
    path = invocation.project.model_folder(model)
    given = retrain.parameters(pairs)
    digest = None if given else definitions.published_as_it_is(invocation, path)
    folder = None
    if digest is None:
        folder = definitions.read_folder(path)
        retrain.check_parameters(folder, given)
        digest = folder.sha256
    run = retrain.run_name(model, name)
    connection = invocation.connection
    screen = invocation.screen
    if folder and definitions.publish(connection, folder):
        screen.note(f"Published the definition of {model} ({digest[:12]})")
    commit = retrain.commit(invocation.project)
    request = retrain.request(model, reason, force, given, digest, commit)
    arn = execution.start(connection, run, request)
    flag = stage_flag(connection.name)
    if no_wait:
        screen.say(f"Run {run} has started. `kanmon show {run}{flag}` looks at it.")
        screen.document({"run": run, "model": model, "status": "RUNNING", "execution_arn": arn})
        return 0
    try:
        screen.note(f"Run {run}")
        connection.prepare("s3")
        ending = execution.follow(connection, arn, Progress(invocation))
    except KeyboardInterrupt as interrupt:
        screen.settle()
        raise InterruptedByUserError(
            f"the run {run} goes on",
            f"`kanmon show {run}{flag}` looks at it, `kanmon stop {run}{flag}` stops it.",
        ) from interrupt
    return tell(invocation, model, run, ending)


class Progress:
    """A line for every state that passed; the one that is going on is shown live."""

    def __init__(self, invocation: Invocation) -> None:
        self._screen = invocation.screen
        self._told = 0

    def __call__(self, visits: "list[Visit]") -> None:
        """Tell what is new among the visits so far."""
        from kanmon.runs.display import state_line

        now = datetime.now(UTC)
        for visit in visits[self._told :]:
            line = state_line(visit.state, duration(visit.seconds(now)), visit.attempts)
            if visit.ended is None:
                self._screen.live(line)
                break
            self._screen.note(line)
            self._told += 1


def tell(invocation: Invocation, model: str, run: str, ending: "Ending") -> int:
    """The end of a run, for people and as a document; the exit code."""
    from kanmon.runs.outcome import describe

    told = describe(invocation.connection, invocation.project, model, run, ending)
    for line in told.lines:
        invocation.screen.say(line)
    invocation.screen.document(told.document)
    if told.problem:
        invocation.screen.problem(told.problem)
    return told.exit_code
