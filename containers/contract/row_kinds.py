"""The problems of rows by kind: an example of each, and how often it occurs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from contract.problem import Problem

# So many kinds have an example.
MOST = 50
# A kind is the file, the column and what is wrong.
Kind = tuple[str, str | None, str]


@dataclass(frozen=True)
class RowKinds:
    """The kinds with an example and how many rows have it, and how many kinds have no example."""

    known: Mapping[Kind, tuple[Problem, int]]
    others: int = 0

    @property
    def count(self) -> int:
        """How many kinds there are."""
        return len(self.known) + self.others

    def lines(self) -> list[str]:
        """One line for each kind: an example, and how many more like it there are."""
        lines = []
        for problem, times in self.known.values():
            more = f" (and {times - 1:,} more like it)" if times > 1 else ""
            lines.append(f"{problem}{more}")
        if self.others:
            lines.append(f"and {self.others:,} more kinds of problem")
        return lines

    def document(self) -> dict[str, Any]:
        """What census.json says of them."""
        kinds = [{**entry_of(problem), "times": times} for problem, times in self.known.values()]
        return {"kinds": kinds, "others": self.others}

    @classmethod
    def merged(cls, documents: Sequence[Mapping[str, Any]]) -> "RowKinds":
        """Add up those of all hosts. Two hosts may have read parts of one file."""
        known: dict[Kind, tuple[Problem, int]] = {}
        for document in documents:
            for entry in document["kinds"]:
                times = int(entry["times"])
                problem = Problem(**{name: entry[name] for name in entry if name != "times"})
                kind = (problem.file or "", problem.column, problem.what)
                example, before = known.get(kind, (problem, 0))
                first = min(example, problem, key=lambda each: each.row or 0)
                known[kind] = (first, before + times)
        kept = dict(list(known.items())[:MOST])
        others = sum(document["others"] for document in documents)
        return cls(kept, len(known) - len(kept) + others)


def entry_of(problem: Problem) -> dict[str, Any]:
    """The problem as reports list it."""
    return {name: value for name, value in asdict(problem).items() if value is not None}
