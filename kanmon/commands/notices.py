"""kanmon notices."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current

if TYPE_CHECKING:
    from kanmon.notices.records import Notice


def _complete_event(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    from core.report.fact import EVENTS

    return [name for name in EVENTS if name.startswith(begun)]


@click.command(
    cls=Verb,
    name="notices",
    examples="""
    kanmon notices                       the last seven days
    kanmon notices --follow              and what comes, until Ctrl-C
    kanmon notices --model churn --event "release waits"
    kanmon notices --days 90 --json
    """,
)
@click.option("--model", shell_complete=complete_model, help="Only what is about this model.")
@click.option("--event", shell_complete=_complete_event, help="Only this event.")
@click.option(
    "--days",
    default=7,
    show_default=True,
    type=click.IntRange(1, 90),
    help="So many days back; older ones are not kept.",
)
@click.option("--follow", is_flag=True, help="Show what comes, too, until Ctrl-C.")
def command(model: str | None, event: str | None, days: int, follow: bool) -> None:
    """Show what the stage had to tell, about what, and who got it.

    A notice is one fact: a release that waits, a run that failed, a drift. It is shown also where
    nobody subscribed to mail or chat.
    """
    from kanmon.notices.display import lines
    from kanmon.notices.records import check_event, chosen, notices_since
    from kanmon.project import check_model_name
    from kanmon.terminal.screen import cut

    invocation = current()
    screen = invocation.screen
    if follow and invocation.as_json:
        raise BadInputError(
            "--follow has no end, and so no JSON document", "Leave one of both out."
        )
    if model is not None:
        check_model_name(model)
    if event is not None:
        check_event(event)
    connection = invocation.connection
    everything = notices_since(connection, datetime.now(UTC) - timedelta(days=days))
    found = chosen(everything, model, event)
    if not found and model is not None:
        invocation.require_model(model)
    for line in lines(found):
        screen.say(cut(line))
    if not found:
        screen.say(f"No notice in the last {f'{days} days' if days > 1 else 'day'}.")
    if follow:
        _follow(invocation, everything, model, event)
    screen.document([one.document() for one in found])


def _follow(
    invocation: Invocation, listed: "list[Notice]", model: str | None, event: str | None
) -> None:
    """Print what comes, until Ctrl-C."""
    from kanmon.notices.display import following
    from kanmon.notices.following import follow
    from kanmon.notices.records import chosen
    from kanmon.terminal.screen import cut

    line = following(chosen(listed, model, event))
    for one in follow(invocation.connection, {one.name for one in listed}):
        for each in chosen([one], model, event):
            invocation.screen.say(cut(line(each)))
