"""What became of a file that was searched, or written again, without a person's rows."""

from dataclasses import dataclass


class LacksKeyError(Exception):
    """A file has rows, but not the column of the key that this names."""


@dataclass(frozen=True)
class Rewritten:
    """How many rows are the person's, and how many others the file has.

    unreadable: why the file, or some of it, cannot be searched.
    keyless: its rows without a key. lacks_key: it is unreadable because nobody can say whose they
    are; all of them can be removed.
    """

    rows: int
    left: int = 0
    unreadable: str | None = None
    keyless: int = 0
    lacks_key: bool = False
