"""kanmon report."""

import webbrowser
from pathlib import Path

import click

from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Verb, complete_model, current
from kanmon.terminal.screen import shown_path


@click.command(
    cls=Verb,
    name="report",
    examples="""
    kanmon report abalone --open
    kanmon report abalone-261121055501-x7k --output review.html
    """,
)
@click.argument("run", shell_complete=complete_model)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file to write."
)
@click.option("--open", "opened", is_flag=True, help="Open it in the browser.")
def command(run: str, output: Path | None, opened: bool) -> None:
    """Download the review page of a run.

    RUN is a run's name, or a model's name (its latest run).
    """
    from kanmon.runs import review_page
    from kanmon.runs.records import find_run
    from kanmon.stage.connection import stage_flag

    invocation = current()
    connection, screen = invocation.connection, invocation.screen
    record = find_run(connection, invocation.project, run)
    name = str(
        record.equals or record.run
    )  # a run without news shows the page of the run it equals
    path = review_page.download_review(connection, invocation.project, record.model, name, output)
    if path is None:
        raise BadInputError(
            f"run {name} has no review page: it ended before its verdict",
            f"`kanmon show {name}{stage_flag(connection.name)}` shows why.",
        )
    key = review_page.review_key(record.model, name)
    url = review_page.console_url(connection, key)
    screen.say(shown_path(path))
    if url:
        screen.say(url)
    if opened and not webbrowser.open(path.resolve().as_uri()):
        screen.note("No browser was found to open the page.")
    screen.document(
        {
            "run": name,
            "model": record.model,
            "path": str(path.resolve()),
            "uri": f"s3://{connection.bucket}/{key}",
            "console_url": url,
        }
    )
