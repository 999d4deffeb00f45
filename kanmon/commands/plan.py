"""kanmon plan."""

import click

from kanmon.terminal.invocation import Verb, complete_model, current


@click.command(
    cls=Verb,
    name="plan",
    examples="""
    kanmon plan                             what is due, and what it waits for
    kanmon plan segments --explain          also what nothing asks for
    kanmon plan --explain --at 2026-10-25T01:00Z    as it was decided then
    kanmon plan --json
    """,
)
@click.argument("model", required=False, shell_complete=complete_model)
@click.option(
    "--explain", is_flag=True, help="Show every kind of work, also what nothing asks for."
)
@click.option("--at", "written", metavar="TIME", help="Decide about this time; UTC without a zone.")
def command(model: str | None, explain: bool, written: str | None) -> None:
    """Show what starts by itself, and why the rest does not.

    It decides as the planner's tick does, and starts nothing. For a time that is past it takes
    what was recorded then; for one to come, the stage as it is now.
    """
    from core.words.formats import local_moment
    from kanmon.planning.allowances import words
    from kanmon.planning.display import allowances, lines, outlook
    from kanmon.planning.live import plan
    from kanmon.planning.ticking import moment_given
    from kanmon.project import check_model_name
    from kanmon.stage.connection import stage_flag
    from kanmon.terminal.screen import cut

    invocation = current()
    at = moment_given("--at", written)
    if model is not None:
        check_model_name(model)
    connection, screen = invocation.connection, invocation.screen
    found = plan(connection, at)
    # A model that was removed since is in the records of its time.
    if model is not None and model not in found.document["models"]:
        invocation.require_model(model)
    if found.recorded is not None:
        screen.note(f"As recorded {local_moment(found.recorded)}")
    shown = lines(found.decision, model, explain=explain)
    for line in shown:
        screen.say(line if explain else cut(line))
    if not shown:
        more = f"`kanmon plan --explain{stage_flag(connection.name)}` says why"
        screen.say(f"Nothing starts by itself; {more}")
    allowed = allowances(found.document, model)
    for each in allowed:
        screen.say(f"Budget of {each['model'] or 'the stage'}: {words(each)}")
    screen.document(
        {
            "at": found.decision["at"],
            "recorded": found.recorded,
            "work": outlook(found.decision, model),
            "late": found.decision["late"],
            "allowed": allowed,
        }
    )
