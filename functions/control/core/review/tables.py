"""The page's tables as values: the template draws every one of them the same way."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from core.review.charts import Bar
from core.words.catalogue import say
from core.words.formats import counted

# What a cell's text says, said again by colour and a drawn sign. The text alone must be enough.
Tone = Literal["", "good", "even", "unclear", "bad"]


@dataclass(frozen=True)
class Cell:
    """One cell: its text, a quieter second line, a tone and a small drawing of the same fact."""

    text: str
    note: str = ""
    tone: Tone = ""
    drawing: Bar | None = None
    level: int = 0  # 1–5 shades the cell, in the confusion matrix
    code: bool = False  # an identifier or a setting: fixed width


@dataclass(frozen=True)
class Column:
    """A column's heading and how its cells are laid out.

    Numbers are set right. On a phone's cards a number or a short word takes a third of a line, the
    rest what is left of it, and text a line of its own.
    """

    heading: str
    kind: Literal["text", "short", "rest", "number"] = "text"


@dataclass(frozen=True)
class Table:
    """A captioned table; the cells of column `header` name their rows."""

    id: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    more: str = ""
    header: int = 0
    # A matrix keeps its shape on a phone and scrolls; other wide tables become a card per row.
    matrix: bool = False
    # A table of short cells, which keeps its shape on a phone.
    compact: bool = False

    @property
    def stacks(self) -> bool:
        """Whether a phone shows each row as a card."""
        return len(self.columns) > 3 and not self.matrix and not self.compact

    @property
    def narrow(self) -> bool:
        """Whether so few columns of numbers would stand too far apart over the page's width."""
        return len(self.columns) <= 3 and any(column.kind == "number" for column in self.columns)


def table(
    id: str,
    caption: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Cell]],
    limit: int,
    *,
    total: int = 0,
    thing: str = "row",
    where: str = "",
    header: int = 0,
    compact: bool = False,
) -> Table:
    """A table of at most `limit` rows. It shows how many it leaves out, and `where` they are.

    `total` is how many there are, where not all of them were made into rows.
    """
    every = list(rows)
    left = max(len(every), total) - limit
    more = ""
    if left > 0:
        things = counted(left, thing)
        more = say("review.table.more", things=things)
        if where:
            more = say("review.table.more_with", things=things, where=where)
    return Table(id, caption, columns, every[:limit], more, header, compact=compact)
