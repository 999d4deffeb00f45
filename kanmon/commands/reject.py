"""kanmon reject."""

import click

from kanmon.invocation import Verb, complete_model, current


@click.command(
    cls=Verb,
    name="reject",
    examples="""
    kanmon reject abalone-261121055501-x7k --comment "looked at the tails"
    kanmon reject abalone                  the latest run of the model
    """,
)
@click.argument("run", shell_complete=complete_model)
@click.option("--comment", default="by kanmon reject", help="Why; kept with the package.")
def command(run: str, comment: str) -> None:
    """Reject the model that a run registered.

    It stays in the registry, with the comment. RUN is a run's name, or a model's name for its
    latest run.
    """
    from kanmon.approval import decide

    decide(current(), run, "Rejected", comment)
