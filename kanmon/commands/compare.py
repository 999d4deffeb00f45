"""kanmon compare."""

from typing import TYPE_CHECKING

import click

from kanmon.errors import BadInputError
from kanmon.terminal.invocation import Verb, complete_model, current
from kanmon.terminal.screen import cut

if TYPE_CHECKING:
    from kanmon.comparison.display import NotPaired
    from kanmon.comparison.pairing import Paired
    from kanmon.comparison.sides import Side
    from kanmon.stage.connection import Connection

# A column each, named by a letter.
MOST_RUNS = 26


@click.command(
    cls=Verb,
    name="compare",
    examples="""
    kanmon compare abalone-261121055501-x7k abalone-261122060002-m3q
    kanmon compare abalone/1 abalone/2 abalone      releases, and the latest run
    kanmon compare abalone/1 abalone --all
    """,
)
@click.argument(
    "runs", nargs=-1, required=True, metavar="RUN RUN...", shell_complete=complete_model
)
@click.option("--all", "everything", is_flag=True, help="Show what is the same, too.")
def command(runs: tuple[str, ...], everything: bool) -> None:
    """Show runs side by side: what differs, and their metrics.

    RUN is the name of a run, a model's name (its latest run) or MODEL/NUMBER (the run of a
    release). The others are compared with the first: where they share test rows, by the difference
    on these rows with its 95 % interval, which is computed as for the gate.
    """
    from kanmon.comparison.display import document, lines
    from kanmon.comparison.facts import facts
    from kanmon.comparison.sides import read_sides

    if not 2 <= len(runs) <= MOST_RUNS:
        raise BadInputError(
            f"{len(runs)} named, where two to {MOST_RUNS} runs can be compared",
            "Name runs, releases or models; `kanmon runs MODEL` lists a model's runs.",
        )
    invocation = current()
    sides = read_sides(invocation.connection, invocation.project, runs)
    found = facts(sides, everything=everything)
    paired, obstacles = _pairs(invocation.connection, sides)
    for line in lines(sides, found, paired, obstacles, everything=everything):
        invocation.screen.say(cut(line))
    invocation.screen.document(document(sides, found, paired, obstacles))


def _pairs(
    connection: "Connection", sides: "tuple[Side, ...]"
) -> tuple[list["Paired"], list["NotPaired"]]:
    """Each run against the first, row by row; and the reasons why that is not possible."""
    from kanmon.comparison.pairing import NotPairedError, check_pairable, pair
    from kanmon.comparison.scores import scores_of

    base, *others = sides
    paired: list[Paired] = []
    obstacles: list[NotPaired] = []
    kept = None
    for side in others:
        try:
            check_pairable(base, side)
            kept = scores_of(connection, base) if kept is None else kept
            paired.append(pair(base, side, (kept, scores_of(connection, side))))
        except NotPairedError as error:
            obstacles.append((side.run, str(error)))
    return paired, obstacles
