"""What a person is shown of a removal, and how the person agrees to it."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from core.words.formats import count
from kanmon.errors import FAILED, OK, BadInputError, InterruptedByUserError
from kanmon.removal.check import Checked
from kanmon.removal.remains import Remaining
from kanmon.removal.things import Resource, Thing
from kanmon.terminal.screen import table

if TYPE_CHECKING:
    from kanmon.terminal.invocation import Invocation
    from kanmon.terminal.screen import Screen


def show(screen: "Screen", things: list[Thing], stays: list[Remaining]) -> None:
    """List what goes, in its order, and what stays."""
    if not things:
        screen.say("There is nothing to remove")
    rows = [[one.kind, one.name, one.contents] for one in things]
    for line in table(rows, ["to remove, in this order", "", ""]):
        screen.say(line)
    for one in things:
        if one.resources:
            said = f"{one.name}: {by_type(one.resources)}"
            screen.say(click.wrap_text(said, 100, subsequent_indent="  "))
    kept_by_aws = "What AWS keeps of a removed stage for some time: docs/operations.md"
    screen.say("This stays:" if stays else kept_by_aws)
    for line in table([[one.what, one.why] for one in stays]):
        screen.say(f"  {line}")


def by_type(resources: tuple[Resource, ...]) -> str:
    """How many resources of which types, the most frequent first.

    >>> by_type((Resource("AWS::IAM::Role", "a"), Resource("AWS::S3::Bucket", "b"),
    ...     Resource("AWS::S3::Bucket", "c")))
    '2 S3::Bucket, 1 IAM::Role'
    """
    counts = Counter(one.type.removeprefix("AWS::") for one in resources)
    return ", ".join(f"{number} {name}" for name, number in counts.most_common())


@contextmanager
def may_be_interrupted(until_then: str = "") -> Iterator[None]:
    """Say after Ctrl-C what to do about a half-done removal, and what holds until then."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise InterruptedByUserError(
            "the removal was interrupted; what is removed is gone",
            f"The same command goes on with the rest.{until_then}",
        ) from error


def agree(invocation: "Invocation", what: str, name: str, *, yes: bool) -> None:
    """Let a person type the name. Raises BadInputError if nobody does."""
    if yes:
        return
    if invocation.as_json or not sys.stdin.isatty():
        raise BadInputError(
            "nobody is here to agree; nothing was removed", "Add --yes, or --list to see only."
        )
    typed = click.prompt(
        f"This cannot be undone. Type the name of the {what}, {name}, to remove it",
        default="",
        show_default=False,
        err=True,
    )
    if typed != name:
        raise BadInputError(f"{typed!r} is not {name!r}; nothing was removed")


def report(screen: "Screen", what: str, checked: Checked) -> int:
    """Say what the services answered at the end; the exit code."""
    for kind in checked.unasked:
        screen.problem(f"nobody was asked about resources of type {kind}. Look yourself.")
    if checked.left:
        for line in checked.left:
            screen.problem(f"{line} is still there. Run the same command again.")
        return FAILED
    screen.say(f"{what} is removed. Asked about {count(checked.asked)} things: none is left.")
    return OK
