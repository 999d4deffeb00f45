"""kanmon monitor."""

import webbrowser
from typing import TYPE_CHECKING

import click

from kanmon.errors import InterruptedByUserError
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current

if TYPE_CHECKING:
    from kanmon.runs.execution import Ending


@click.command(
    cls=Verb,
    name="monitor",
    examples="""
    kanmon monitor churn                    the days that model.yaml says, up to today
    kanmon monitor churn --days 28 --open
    kanmon monitor churn --from 2026-11-01 --to 2026-11-07 --reason "the outage"
    kanmon monitor churn --no-wait --json
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.option("--days", type=click.IntRange(1, 366), help="Watch so many days, up to today.")
@click.option("--from", "first", metavar="DAY", help="Watch from this day on, in UTC.")
@click.option("--to", "last", metavar="DAY", help="Watch to this day; without it, to today.")
@click.option("--reason", default="manual", show_default=True, help="The reason; stored with it.")
@click.option("--no-wait", is_flag=True, help="Start it and return.")
@click.option("--open", "opened", is_flag=True, help="Open its page in the browser.")
def command(
    model: str,
    days: int | None,
    first: str | None,
    last: str | None,
    reason: str,
    no_wait: bool,
    opened: bool,
) -> int:
    """Compare what the model in service answers with its baseline.

    The exit code is 4 if it alarms. No data is a state of its own, and no failure. Ctrl-C stops
    watching, not the monitoring.
    """
    from kanmon.commands.run import Progress
    from kanmon.monitoring.request import monitoring_input, new_name
    from kanmon.runs import execution
    from kanmon.scoring.online import in_service
    from kanmon.stage.connection import stage_flag

    invocation = current()
    invocation.require_model(model)
    request = monitoring_input(model, reason, days, first, last)
    connection, screen = invocation.connection, invocation.screen
    with invocation.check_service_of(model):
        in_service(connection, model)
    monitoring = new_name(model)
    arn = execution.start(connection, monitoring, request, connection.monitor_machine, "monitoring")
    flag = stage_flag(connection.name)
    if no_wait:
        screen.say(
            f"Monitoring {monitoring} has started. `kanmon show {monitoring}{flag}` shows it."
        )
        started = {"monitoring": monitoring, "model": model, "status": "RUNNING"}
        screen.document({**started, "execution_arn": arn})
        return 0
    try:
        screen.note(f"Monitoring {monitoring}")
        connection.prepare("s3")
        ending = execution.follow(connection, arn, Progress(invocation))
    except KeyboardInterrupt as interrupt:
        screen.settle()
        raise InterruptedByUserError(
            f"monitoring {monitoring} continues",
            f"`kanmon show {monitoring}{flag}` shows it, "
            f"`kanmon stop {monitoring}{flag}` stops it.",
        ) from interrupt
    return print_monitoring(invocation, model, monitoring, ending, opened=opened)


def print_monitoring(
    invocation: Invocation, model: str, monitoring: str, ending: "Ending", *, opened: bool = False
) -> int:
    """Print how a monitoring ended, for people or as a document; the exit code."""
    from kanmon.monitoring.outcome import describe

    screen = invocation.screen
    outcome, page = describe(invocation.connection, invocation.project, model, monitoring, ending)
    for line in outcome.lines:
        screen.say(line)
    screen.document(outcome.document)
    if outcome.problem:
        screen.problem(outcome.problem)
    if opened and page and not webbrowser.open(page.resolve().as_uri()):
        screen.note("No browser was found to open the page.")
    return outcome.exit_code
