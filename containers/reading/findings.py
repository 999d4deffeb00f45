"""What is wrong with the data: everything is counted, a few examples are kept."""

from collections.abc import Mapping
from typing import Any, Protocol

from contract.problem import Problem, as_one_message
from contract.row_kinds import RowKinds, entry_of

# Enough to see a pattern. Further ones are only counted: memory must not grow with bad data.
SAMPLES_PER_KIND = 3
SAMPLES = 50


class FileError(Exception):
    """A file that cannot be read further. The rows before this place have been read."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class RowProblems(Protocol):
    """Takes the problems of rows: all of them, or examples and how many more there are."""

    def wants(self, file: str, column: str | None, what: str) -> int:
        """How many more problems of this kind are kept with their place and value."""

    def add_row(self, problem: Problem, count: int = 1) -> None:
        """Take a problem, or without a row `count` of its kind."""


class Findings:
    """All problems of a run: row problems, which the run may tolerate, and fatal ones."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str | None, str], int] = {}
        self.fatal: list[Problem] = []
        self.fatal_count = 0
        self._samples: dict[tuple[str, str | None, str], list[Problem]] = {}
        self._sampled = 0

    def add_row(self, problem: Problem, count: int = 1) -> None:
        """Count a row problem. Keep it as a sample while its kind has few."""
        kind = (problem.file or "", problem.column, problem.what)
        self.counts[kind] = self.counts.get(kind, 0) + count
        samples = self._samples.setdefault(kind, [])
        if len(samples) < SAMPLES_PER_KIND and self._sampled < SAMPLES:
            samples.append(problem)
            self._sampled += 1

    def wants(self, file: str, column: str | None, what: str) -> int:
        """How many more samples of this kind would be kept."""
        have = len(self._samples.get((file, column, what), ()))
        return max(0, min(SAMPLES_PER_KIND - have, SAMPLES - self._sampled))

    def add_fatal(self, problem: Problem) -> None:
        """Keep a problem that stops the run, whatever share of rows may be rejected.

        The files of a query have the same columns, so they have the same problem, which is one.
        """
        if problem in self.fatal:
            return
        self.fatal_count += 1
        if len(self.fatal) < SAMPLES:
            self.fatal.append(problem)

    def samples(self) -> list[Mapping[str, Any]]:
        """The examples of row problems, as preprocess.json lists them."""
        return [entry_of(problem) for kept in self._samples.values() for problem in kept]

    def lines(self) -> list[str]:
        """One line for each kind of problem: an example, and how many more like it there are."""
        lines = [str(problem) for problem in self.fatal]
        if self.fatal_count > len(self.fatal):
            lines.append(f"and {self.fatal_count - len(self.fatal):,} more")
        return lines + self._kinds().lines()

    def kinds(self) -> dict[str, Any]:
        """The row problems, for Train to add to those of other hosts."""
        return self._kinds().document()

    def _kinds(self) -> RowKinds:
        known = {kind: (kept[0], self.counts[kind]) for kind, kept in self._samples.items() if kept}
        return RowKinds(known, len(self._samples) - len(known))

    def message(self, note: str = "") -> str:
        """All of it as one message, which counts also the problems that are not listed."""
        return as_one_message(self.lines(), note, self.fatal_count + len(self._samples))
