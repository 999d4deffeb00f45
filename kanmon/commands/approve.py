"""kanmon approve."""

import click

from kanmon.invocation import Verb, complete_model, current


@click.command(
    cls=Verb,
    name="approve",
    examples="""
    kanmon approve abalone-261121055501-x7k --comment "looked at the tails"
    kanmon approve abalone                  the latest run of the model
    """,
)
@click.argument("run", shell_complete=complete_model)
@click.option("--comment", default="by kanmon approve", help="Why; kept with the package.")
def command(run: str, comment: str) -> None:
    """Approve the model that a run registered.

    It becomes the champion: the next candidates are compared with it on the same rows. RUN is a
    run's name, or a model's name for its latest run.
    """
    from kanmon.approval import decide

    decide(current(), run, "Approved", comment)
