"""kanmon digest."""

import click

from kanmon.terminal.invocation import Verb, current


@click.command(
    cls=Verb,
    name="digest",
    examples="""
    kanmon digest                           of the last seven days
    kanmon digest --days 1 --stage prod
    kanmon digest --json
    """,
)
@click.option("--days", type=int, default=7, show_default=True, help="Of so many days until now.")
def command(days: int) -> None:
    """Show what ran, waits and drifted, what it cost and what comes next.

    The same is mailed once a day or a week, as the stage's parameter Digest says. This sends none.
    """
    from kanmon.planning.digest import last_days

    invocation = current()
    connection, screen = invocation.connection, invocation.screen
    found = last_days(connection, days)
    screen.say(found["title"])
    for part in found["parts"]:
        screen.say("")
        screen.say(part["heading"])
        for line in part["lines"]:
            screen.say(f"- {line}")
    screen.document(found)
