"""kanmon tick."""

from datetime import UTC, datetime

import click

from kanmon.terminal.invocation import Verb, current


@click.command(
    cls=Verb,
    name="tick",
    examples="""
    kanmon tick                             start what is due now
    kanmon tick --at 2026-12-01T05:00Z      as if it were that time
    """,
)
@click.option("--at", "written", metavar="TIME", help="The tick's time; UTC without a zone.")
def command(written: str | None) -> None:
    """Let the planner of the local stage tick now.

    It starts what is due, as the schedule's own tick does every five minutes. With a time to come
    it starts what will be due then; ticks before that time do not count it as done. A time that is
    past is refused: `kanmon plan --at` shows what was decided then.
    """
    from kanmon.planning.display import lines
    from kanmon.planning.ticking import moment_given, refuse_the_past, tick

    invocation = current()
    at = moment_given("--at", written)
    now = datetime.now(UTC).replace(microsecond=0)
    refuse_the_past(at or now, now)
    connection, screen = invocation.connection, invocation.screen
    done = tick(connection, at or now)
    for line in lines(done, None, explain=False):
        screen.say(line)
    for name in done["started"]:
        screen.say(f"Started {name}. `kanmon show {name}` shows it.")
    for name, problem in done["left"].items():
        screen.problem(f"{name} could not be started; the next tick tries again: {problem}")
    for name, problem in done["refused"].items():
        screen.problem(f"{name} could not be started and is given up: {problem}")
    if not done["started"] and not done["refused"] and not done["left"]:
        screen.say("Nothing has started. `kanmon plan --explain` says why.")
    screen.document(done)
