"""kanmon forget."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.words.formats import counted
from kanmon.errors import FAILED, OK, InterruptedByUserError
from kanmon.terminal.invocation import Invocation, Verb, complete_model, current
from kanmon.terminal.screen import table

if TYPE_CHECKING:
    from kanmon.labels.forgetting import Forgetting, Search
    from kanmon.labels.remains import Remaining
    from kanmon.labels.whose import Whose

# Of keys and requests that no file has, so many are shown.
MOST_NOT_FOUND = 5


@click.command(
    cls=Verb,
    name="forget",
    examples="""
    kanmon forget churn 4711                     show what would go, and ask
    kanmon forget churn 4711 4712 --yes
    kanmon forget churn --keys-file people.csv --as steward
    kanmon forget churn --request-id 6b0ed55c-04e2-4f0d-9e1c-000000000000
    """,
)
@click.argument("model", shell_complete=complete_model)
@click.argument("keys", nargs=-1)
@click.option(
    "--keys-file", type=click.Path(path_type=Path), help="A CSV file with the key's columns."
)
@click.option(
    "--request-id", "requests", multiple=True, help="All rows of this request. Repeatable."
)
@click.option("--yes", is_flag=True, help="Remove without asking.")
def command(
    model: str, keys: tuple[str, ...], keys_file: Path | None, requests: tuple[str, ...], yes: bool
) -> int:
    """Remove a person's rows by key, in every version, and say what stays.

    The rows are captured requests, scores, rejects and inputs of batches, and labels. A key of
    several columns is written as one line of CSV, in model.yaml's order. First everything is
    searched and shown. It cannot be undone. If it is interrupted, run it again.
    """
    from kanmon.labels.remains import remaining
    from kanmon.labels.whose import whose_of
    from kanmon.models.definitions import read_folder

    invocation = current()
    definition = read_folder(invocation.project.model_folder(model)).definition
    data, gather = definition.data, definition.gather
    whose = whose_of(data.key, keys, keys_file, requests)
    forgetting = begin(invocation, model, whose, data.delimiter)
    found = search(invocation, forgetting, "searching")
    by_program = gather is not None and not gather.is_query
    stays = remaining(invocation.connection, model, data.location, found, by_program=by_program)
    not_found = whose.not_found()
    show(invocation, found, stays, not_found)
    left = remove(invocation, forgetting, found, yes=yes)
    invocation.screen.document(
        {
            "model": model,
            "found": found.counts,
            "not_found": not_found,
            "removed": left is not None,
            "left": left.counts if left else None,
            "stays": [vars(one) for one in stays],
        }
    )
    return outcome(invocation, left or found, removed=left is not None)


def begin(invocation: Invocation, model: str, whose: "Whose", delimiter: str) -> "Forgetting":
    """What forgets these rows, and knows the batches and monitorings that it must not disturb."""
    from kanmon.batches.records import batch_states
    from kanmon.labels.forgetting import Forgetting
    from kanmon.monitoring.records import running_monitorings

    connection = invocation.connection
    batches = batch_states(connection, model)
    return Forgetting(
        connection, model, whose, delimiter, batches, lambda: running_monitorings(connection, model)
    )


def search(invocation: Invocation, forgetting: "Forgetting", doing: str) -> "Search":
    """Look everywhere, and say where."""
    return forgetting.search(lambda key: invocation.screen.live(f"{doing} {key}"))


def remove(
    invocation: Invocation, forgetting: "Forgetting", found: "Search", *, yes: bool
) -> "Search | None":
    """Remove what was found, if a person wants it; what is left then, None where nothing was
    removed."""
    from kanmon.labels.remains import summary

    screen = invocation.screen
    if not found.found:
        screen.say("There is nothing to remove")
        return None
    if not (yes or agreed(invocation)):
        screen.say("Nothing was removed; --yes removes it")
        return None
    started: list[str] = []

    def removing(key: str) -> None:
        started.append(key)
        screen.live(f"removing from {key}")

    try:
        forgetting.remove(found, removing)
        # What was written meanwhile, and what was moved from one file to another.
        left = search(invocation, forgetting, "checking")
    except KeyboardInterrupt as interrupt:
        screen.settle()
        files = counted(len(found.found), "file")
        raise InterruptedByUserError(
            f"the removal was interrupted at {len(started):,} of {files}; what is removed is gone",
            "Run the same command again: it removes what is left. Until then a batch may be half "
            "done and cannot be fetched.",
        ) from interrupt
    screen.say(f"Removed {summary(found.counts)}")
    return left


def show(
    invocation: Invocation, found: "Search", stays: "list[Remaining]", not_found: list[str]
) -> None:
    """Print what would go, of whom nothing was found, and what stays."""
    from kanmon.labels.remains import lines

    screen = invocation.screen
    rows = [
        [kind, *(f"{each[name]:,}" for name in ("rows", "files", "versions"))]
        for kind, each in found.counts.items()
        if each["files"]
    ]
    for line in table(rows, ["to remove", "rows", "files", "versions"], "lrrr"):
        screen.say(line)
    if not_found:
        screen.say(not_found_line(not_found))
    screen.say("This stays:")
    for line in table(lines(stays), right="lrl"):
        screen.say(f"  {line}")


def not_found_line(not_found: list[str]) -> str:
    """How many keys and requests no file has, and which, as far as they fit.

    >>> not_found_line(["4711"]), not_found_line(list("abcdefg"))
    ('Nothing was found of 1: 4711', 'Nothing was found of 7: a, b, c, d, e, …')
    """
    more = ", …" if len(not_found) > MOST_NOT_FOUND else ""
    return f"Nothing was found of {len(not_found):,}: {', '.join(not_found[:MOST_NOT_FOUND])}{more}"


def agreed(invocation: Invocation) -> bool:
    """Ask a person; without one, nobody agrees."""
    if invocation.as_json or not sys.stdin.isatty():
        return False
    return click.confirm("Remove these rows for good?", err=True)


def outcome(invocation: Invocation, left: "Search", *, removed: bool) -> int:
    """The exit code: of a removal after which rows are left, or that could not look everywhere."""
    from kanmon.labels.remains import summary

    if removed and left.found:
        invocation.screen.problem(
            f"{summary(left.counts)} came meanwhile. Run the same command again."
        )
        return FAILED
    if left.open_monitorings:
        invocation.screen.problem(
            f"{', '.join(sorted(left.open_monitorings))} was running and may write captured rows "
            "again. Let it end, then run the same command again."
        )
        return FAILED
    unseen = len(left.open_batches) + len(left.unreadable)
    if unseen:
        named = ", ".join([*(f"batch {one}" for one in left.open_batches), *left.unreadable][:5])
        invocation.screen.problem(
            f"{counted(unseen, 'object')} could not be searched: "
            f"{named}{', …' if unseen > 5 else ''}. The list above says why."
        )
        return FAILED
    return OK
