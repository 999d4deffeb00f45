"""What is wrong with the data: everything counted, a few examples kept, said in plain lines."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from contract.problem import Problem

# Enough to see a pattern. What is beyond is counted, so memory does not grow with bad data.
SAMPLES_PER_KIND = 3
SAMPLES = 50


class FileError(Exception):
    """A file that cannot be read on; what came before in it has been read."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class Problems:
    """All problems of a run: row problems, which may be forgiven, and fatal ones."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str | None, str], int] = {}
        self.fatal: list[Problem] = []
        self.fatal_count = 0
        self._samples: dict[tuple[str, str | None, str], list[Problem]] = {}
        self._sampled = 0

    def add_row(self, problem: Problem, count: int = 1) -> None:
        """Count a row problem; keep it as a sample while its kind has few."""
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
        """Keep a problem that no share of rejected rows forgives."""
        self.fatal_count += 1
        if len(self.fatal) < SAMPLES:
            self.fatal.append(problem)

    def samples(self) -> list[Mapping[str, Any]]:
        """The examples of row problems, as they stand in preprocess.json."""
        return [
            {name: value for name, value in asdict(problem).items() if value is not None}
            for kept in self._samples.values()
            for problem in kept
        ]

    def lines(self) -> list[str]:
        """Every problem in one line: one example each, and how many more like it there are."""
        lines = [str(problem) for problem in self.fatal]
        if self.fatal_count > len(self.fatal):
            lines.append(f"and {self.fatal_count - len(self.fatal):,} more")
        # The first example of each kind, then the further examples, so that a cut message shows
        # as many kinds as it can.
        for kind, kept in self._samples.items():
            if kept:
                more = self.counts[kind] - 1
                lines.append(f"{kept[0]}{f' (and {more:,} more like it)' if more else ''}")
        unsampled = sum(1 for kept in self._samples.values() if not kept)
        if unsampled:
            lines.append(f"and {unsampled:,} more kinds of problem")
        return lines
