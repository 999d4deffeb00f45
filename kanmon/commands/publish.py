"""kanmon publish."""

import click

from kanmon.errors import BAD_INPUT
from kanmon.terminal.invocation import Verb, current


@click.command(
    cls=Verb,
    name="publish",
    examples="""
    kanmon publish --stage dev               after `sam deploy`: step images and definitions
    kanmon publish --stage dev --no-images   definitions only; needs no Docker
    """,
)
@click.option("--no-images", is_flag=True, help="Leave the step images as they are (not local).")
def command(no_images: bool) -> int:
    """Publish step images and model definitions to a deployed stage.

    `kanmon deploy` does this too. Definitions already published are skipped; step images are always
    rebuilt and pushed.
    """
    from kanmon.deployment import prices, publishing

    invocation = current()
    connection, screen = invocation.connection, invocation.screen
    prices.refresh(connection, screen)
    published = publishing.publish(
        connection, invocation.project, screen, with_images=not no_images
    )
    if not (published.images or published.definitions or published.invalid):
        screen.say(f"Stage {connection.name} has every definition already; nothing changed")
    screen.document({"stage": connection.name, "stack": connection.stack, **published.document()})
    return BAD_INPUT if published.invalid else 0
