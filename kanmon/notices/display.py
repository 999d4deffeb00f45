"""Notices for people: a line each."""

from collections.abc import Callable, Sequence

from core.words.formats import local_moment
from kanmon.notices.records import Notice
from kanmon.terminal.screen import coloured, table

HEADING = ("time", "severity", "event", "about", "sent to", "")
COLOURS = {"action": "hold", "warning": "hold", "error": "reject"}


def lines(found: Sequence[Notice]) -> list[str]:
    """A table, oldest first."""
    return table([_cells(one) for one in found], HEADING)


def following(found: Sequence[Notice]) -> Callable[[Notice], str]:
    """A way to write what comes below that table: each a line, in its columns."""
    above = [_cells(one) for one in found] or [list(HEADING)]

    def line(one: Notice) -> str:
        # The last column has no width of its own.
        return table([*([*cells[:-1], ""] for cells in above), _cells(one)], HEADING)[-1]

    return line


def _cells(one: Notice) -> list[str]:
    return [
        local_moment(one.at),
        coloured(COLOURS.get(one.severity, ""), one.severity),
        one.event,
        one.about,
        one.told or "–",
        one.summary,
    ]
