"""kanmon review."""

import webbrowser
from pathlib import Path

import click

from kanmon.terminal.invocation import Verb, complete_model, current
from kanmon.terminal.screen import shown_path


@click.command(
    cls=Verb,
    name="review",
    examples="""
    kanmon review abalone --open            the waiting release, else the latest
    kanmon review abalone/7 --output review.html
    """,
)
@click.argument("release", shell_complete=complete_model)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file to write."
)
@click.option("--open", "opened", is_flag=True, help="Open it in the browser.")
def command(release: str, output: Path | None, opened: bool) -> None:
    """Download the review page of a release.

    The page is checked against the digest that was recorded when the release was opened. RELEASE is
    MODEL/NUMBER, or a model's name (its waiting release, else its latest).
    """
    from kanmon.releases import evidence, records
    from kanmon.releases.explanation import explain
    from kanmon.runs import review_page
    from kanmon.stage.connection import stage_flag

    invocation = current()
    connection, screen = invocation.connection, invocation.screen
    found = records.find_release(connection, release)
    page = records.review_page(connection, found)
    folder = invocation.project.home / "reviews"
    path = output or folder / f"{found.model}-release-{found.release}.html"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(page)
    key = str(found.review_uri).split("/", 3)[-1]
    url = review_page.console_url(connection, key)
    if found.summary:
        screen.say(f"{found.reference}  {found.summary}")
    screen.say(shown_path(path))
    if url:
        screen.say(url)
    explanation = explain(evidence.brief(connection, found), stage_flag(connection.name))
    screen.say(explanation.headline)
    for step in explanation.next:
        screen.say(f"  {step}")
    if opened and not webbrowser.open(path.resolve().as_uri()):
        screen.note("No browser was found to open the page.")
    screen.document(
        {
            **found.document(),
            "path": str(path.resolve()),
            "uri": f"s3://{connection.bucket}/{key}",
            "console_url": url,
        }
    )
