"""kanmon budget."""

import click

from kanmon.terminal.invocation import Verb, complete_model, current


@click.command(
    cls=Verb,
    name="budget",
    examples="""
    kanmon budget churn                     what is left of this month's budget
    kanmon budget churn --allow 20 --reason "the new shop needs a model this week"
    kanmon budget --allow 100 --reason "ticket 77" --stage prod --as operator
    """,
)
@click.argument("model", required=False, shell_complete=complete_model)
@click.option(
    "--allow",
    "usd",
    type=float,
    metavar="USD",
    help="Let the planner spend so much more in this month; without MODEL, of the stage's budget.",
)
@click.option("--reason", help="The reason of --allow; shown wherever the budget is.")
def command(model: str | None, usd: float | None, reason: str | None) -> None:
    """Show this month's budget of a model or the stage, or allow more.

    It holds for what starts by itself. What people start themselves counts, and is never stopped.
    """
    from kanmon.costs.budgets import budget_of
    from kanmon.errors import BadInputError
    from kanmon.planning.allowances import allow, words

    invocation = current()
    if model is not None:
        invocation.require_model(model)
    connection, screen = invocation.connection, invocation.screen
    known = budget_of(connection, invocation.project, model)
    if usd is not None:
        if known["budget_usd"] is None:
            raise BadInputError(
                f"{known['of']} has no budget, so nothing is to be allowed",
                "`budget:` in model.yaml sets one, or the stage's parameter MonthlyBudgetUsd.",
            )
        if reason is None:
            raise BadInputError("--allow needs a reason", 'Write --reason "…".')
        allow(connection, model, usd, reason)
        known = budget_of(connection, invocation.project, model)
    elif reason is not None:
        raise BadInputError("--reason is of --allow", "Write --allow USD as well.")
    screen.say(known["words"])
    for each in known["allowed"]:
        screen.say(words(each))
    screen.document({name: each for name, each in known.items() if name != "words"})
