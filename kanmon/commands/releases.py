"""kanmon releases."""

import click

from kanmon.terminal.invocation import Verb, complete_model, current


@click.command(
    cls=Verb,
    name="releases",
    examples="""
    kanmon releases
    kanmon releases abalone --limit 50
    kanmon releases abalone/7               one release, like `kanmon show abalone/7`
    kanmon releases --json
    """,
)
@click.argument("model", required=False, shell_complete=complete_model)
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1), help="Show at most this many."
)
def command(model: str | None, limit: int) -> None:
    """List releases, newest first, with status, verdict and decision."""
    from kanmon.releases.display import release_lines
    from kanmon.releases.records import newest_releases
    from kanmon.stage.model_names import known_models
    from kanmon.terminal.screen import cut

    invocation = current()
    connection, screen, project = invocation.connection, invocation.screen, invocation.project
    if model and "/" in model:
        from kanmon.commands.show import show_release

        show_release(invocation, model)
        return
    if model:
        invocation.require_model(model)
    models = [model] if model else known_models(connection, project)
    found = newest_releases(connection, models)[:limit]
    for line in release_lines(found):
        screen.say(cut(line))
    if not found:
        name = (models or ["MODEL"])[0]
        screen.say(
            f"No release yet. `kanmon run {name}` opens one, unless the gate rejects its candidate"
        )
    screen.document([one.document() for one in found])
