"""What a command prints: results on stdout, progress on stderr, or one JSON document."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any
from unicodedata import category, east_asian_width

import click

# A table with a run's name (37), a time (16 to 22) and an outcome needs more columns.
NARROW = 90
COLOURS = {
    "promote": "green",
    "pass": "green",
    "ok": "green",
    "Approved": "green",
    "hold": "yellow",
    "warn": "yellow",
    "reject": "red",
    "fail": "red",
    "FAILED": "red",
    "Rejected": "red",
}


class Screen:
    """Prints a command's output. With `as_json`, stdout carries only the document."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._live = False

    def say(self, text: str = "") -> None:
        """A line of the result, for people."""
        self.settle()
        if not self.as_json:
            click.echo(text, color=colour_choice())

    def note(self, text: str) -> None:
        """A line of progress."""
        self.settle()
        click.echo(text, err=True, color=colour_choice())

    def problem(self, line: str) -> None:
        """An error, as one line."""
        self.note(f"{click.style('kanmon:', fg='red')} {line}")

    def live(self, text: str) -> None:
        """A line of progress that the next line replaces; only on a terminal."""
        if self.watched():
            width = terminal_width(sys.stderr.fileno()) - 1
            click.echo(f"\r\x1b[2K{text[:width]}", err=True, nl=False)
            self._live = True

    @contextmanager
    def waiting(self, doing: str, patience: float = 5.0) -> Iterator[None]:
        """Show what is waited for; after `patience` seconds as a line that stays, with the load.

        Without a terminal there is no live line, and a wait without a word looks like a fault.
        """
        self.live(f"{doing} …")
        later = Timer(patience, lambda: self.note(f"{doing} takes longer than usual; {load()}"))
        later.daemon = True
        later.start()
        try:
            yield
        finally:
            later.cancel()

    def settle(self) -> None:
        """Remove the live line."""
        if self._live:
            click.echo("\r\x1b[2K", err=True, nl=False)
            self._live = False

    def document(self, document: object) -> None:
        """The result, for programs."""
        self.settle()
        if self.as_json:
            click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))

    def watched(self) -> bool:
        """Is stderr a terminal?"""
        return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def load() -> str:
    """How busy this machine is, in words."""
    wanted, processors = os.getloadavg()[0], os.cpu_count() or 1
    return f"{wanted:.0f} processes want this machine's {processors} processors"


def terminal_width(descriptor: int) -> int:
    """Columns of the terminal; 80 if unknown."""
    try:
        return os.get_terminal_size(descriptor).columns or 80
    except OSError:
        return 80


def is_narrow() -> bool:
    """Is stdout a terminal too narrow for a table of four columns?"""
    return sys.stdout.isatty() and terminal_width(sys.stdout.fileno()) < NARROW


def colour_choice() -> bool | None:
    """None lets click decide (colours on a terminal only); NO_COLOR means never."""
    return False if os.environ.get("NO_COLOR") else None


def coloured(word: str, text: str | None = None) -> str:
    """`text` (or the word itself) in the colour of the word."""
    return click.style(text or word, fg=COLOURS[word]) if word in COLOURS else text or word


def cut(line: str) -> str:
    """The line, cut to the width of the terminal; whole if stdout is no terminal."""
    if not sys.stdout.isatty():
        return line
    # No styled word ends a line, so cutting there breaks no colour code.
    surplus = len(click.unstyle(line)) - terminal_width(sys.stdout.fileno())
    return f"{line[: -surplus - 1]}…" if surplus > 0 else line


def faint(text: str) -> str:
    """Less important text."""
    return click.style(text, dim=True)


def table(rows: Sequence[Sequence[Any]], heading: Sequence[str] = (), right: str = "") -> list[str]:
    """Rows as aligned lines. `right` has one letter per column, 'r' for right-aligned.

    >>> table([["a", 10], ["bcd", 2]], right="lr")
    ['a    10', 'bcd   2']
    """
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    lines = [list(heading), *cells] if heading and cells else cells
    if not lines:
        return []
    widths = [max(width_of(line[column]) for line in lines) for column in range(len(lines[0]))]
    aligned = [
        "  ".join(
            _pad(cell, width, right[column : column + 1] == "r")
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return [faint(aligned[0]), *aligned[1:]] if heading else aligned


def _pad(cell: str, width: int, right: bool) -> str:
    blank = " " * (width - width_of(cell))
    return blank + cell if right else cell + blank


def width_of(text: str) -> int:
    """The columns of a terminal that a text takes: Japanese letters two each, accents none.

    >>> width_of("age"), width_of("年齢"), width_of("e\u0301")
    (3, 4, 1)
    """
    text = click.unstyle(text)
    if text.isascii():
        return len(text)
    wide = sum(east_asian_width(letter) in ("W", "F") for letter in text)
    without = sum(category(letter) in ("Mn", "Me", "Cf") for letter in text)
    return len(text) + wide - without


def shown_path(path: Path) -> str:
    """A path relative to the current folder, where it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
