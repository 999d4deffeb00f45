"""One problem with the data, the message for several, and counts in messages."""

from collections.abc import Sequence
from dataclasses import dataclass

SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Problem:
    """One problem with the data. `row` counts data rows from 1, `line` lines of the text file."""

    what: str
    fix: str
    file: str | None = None
    row: int | None = None
    line: int | None = None
    column: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        """Say where, what, and how to fix it.

        >>> print(Problem("is not a number", "correct it", "a.csv", 3, 4, "age", "x"))
        a.csv row 3 (line 4), column age: 'x' is not a number; correct it
        """
        place = self.file or ""
        if self.row is not None:
            place += f" row {self.row}"
            place += f" (line {self.line})" if self.line is not None else ""
        elif self.line is not None:
            place += f" line {self.line}"
        if self.column is not None:
            place += f"{', ' if place else ''}column {self.column}"
        value = f"{shown(self.value)} " if self.value is not None else ""
        return f"{place}{': ' if place else ''}{value}{self.what}; {self.fix}"


def as_one_message(lines: Sequence[str], note: str = "", found: int | None = None) -> str:
    """All problems as one message. A single one needs no count and no note.

    `found` is how many there are, where a line stands for several.

    >>> as_one_message(["a is missing", "b is missing"])
    '2 problems with the data: (1) a is missing | (2) b is missing'
    >>> as_one_message(["a is missing", "and 495 more"], found=496)
    '496 problems with the data: (1) a is missing | (2) and 495 more'
    """
    if len(lines) == 1:
        return lines[0]
    listed = " | ".join(f"({number}) {line}" for number, line in enumerate(lines, start=1))
    return f"{found or len(lines):,} problems with the data{note}: {listed}"


def counted(count: int, thing: str) -> str:
    """A count with its noun.

    >>> counted(1, "file"), counted(1204, "row"), counted(0, "shard")
    ('1 file', '1,204 rows', '0 shards')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def shown(value: str) -> str:
    """A cell for a message: quoted, printable, short."""
    if len(value) > SHOWN_CHARACTERS:
        value = value[: SHOWN_CHARACTERS - 1] + "…"
    return repr(value)
