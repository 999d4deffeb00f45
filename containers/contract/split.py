"""How the rows of a run were split, as preprocess.json records it. Standard library only.

Rows have an order: by a hash of the row, by a hash of its group, or by time. Training has the first
ones, test has those from `test_from` on.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

# The prepared rows have their hash in the one column, and their place in the order in the other,
# where it is not that hash.
ROW = "__row"
PLACE = "__place"

By = Literal["row", "group", "time"]


@dataclass(frozen=True)
class SplitRecord:
    """columns: what the order follows from. `begins` is when validation and test begin, for people;
    without it, and without bounds, for any split but by time. `times` are dates or numbers: they
    have no common order."""

    by: By
    columns: tuple[str, ...]
    validation_from: float | None
    test_from: float | None
    begins: Mapping[str, str] | None = None
    times: str | None = None

    def document(self) -> dict[str, Any]:
        """The key `split` of preprocess.json."""
        return {**asdict(self), "columns": list(self.columns)}

    @classmethod
    def read(cls, preprocess: Mapping[str, Any]) -> "SplitRecord | None":
        """The record in a preprocess.json; None in one of an earlier version."""
        document = preprocess.get("split")
        return None if document is None else cls(**{**document, "columns": (*document["columns"],)})

    @property
    def place(self) -> str:
        """The prepared rows' column with their place in the order."""
        return ROW if self.by == "row" else PLACE
