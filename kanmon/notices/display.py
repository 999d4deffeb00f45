"""Notices for people: a line each."""

from collections.abc import Sequence

from core.words.formats import local_moment
from kanmon.notices.records import Notice
from kanmon.terminal.screen import coloured, table

HEADING = ("time", "severity", "event", "about", "sent to", "")
COLOURS = {"action": "hold", "warning": "hold", "error": "reject"}


def lines(found: Sequence[Notice]) -> list[str]:
    """A table, oldest first."""
    rows = [
        [
            local_moment(one.at),
            coloured(COLOURS.get(one.severity, ""), one.severity),
            one.event,
            one.about,
            one.told or "–",
            one.summary,
        ]
        for one in found
    ]
    return table(rows, HEADING)


def line(one: Notice) -> str:
    """The same of one that was just listed, when it is not sent yet."""
    severity = coloured(COLOURS.get(one.severity, ""), f"{one.severity:<8}")
    return f"{local_moment(one.at)}  {severity}  {one.event}  {one.about}  {one.summary}"
