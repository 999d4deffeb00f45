"""The captured requests as frames: JSON lines and compacted Parquet, of any release.

Of a row that is in several files, one counts. A folder is one day of one release, and a request is
in one folder only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from contract.plan import Plan
from observed import lines
from observed.compacted import SUFFIX, Compacted, current
from observed.form import Form
from reading.source import SourceFile

# So many rows of JSON lines are Python objects at a time.
MOST_ROWS = 50_000
# So many rows of a compacted file are in memory.
SLICE_ROWS = 250_000


@dataclass
class Damage:
    """What cannot be read: how many lines of which file, and files that are no compacted ones."""

    lines: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many lines and files."""
        return sum(self.lines.values()) + len(self.files)


@dataclass(frozen=True)
class Captured:
    """The rows in the form of observed.form, and what could not be read."""

    rows: pl.DataFrame
    damage: Damage


def read(files: Iterable[SourceFile], plan: Plan) -> Captured:
    """All captured rows of the files. A file's name is its key in S3, or the end of it."""
    damage = Damage()
    frames = [Form(plan).nothing, *pieces(files, plan, damage)]
    return Captured(pl.concat(frames, how="diagonal"), damage)


def pieces(files: Iterable[SourceFile], plan: Plan, damage: Damage) -> Iterator[pl.DataFrame]:
    """The same rows, one day of one release after the other; adds to `damage`.

    What is compacted comes in slices, so the size of a day does not matter.
    """
    form = Form(plan)
    for folder in by_folder(files):
        compacted, loose = split(folder, damage)
        left = uncompacted(loose, compacted)
        seen = pl.DataFrame(schema={name: lines.FACTS[name] for name in lines.IDENTITY})
        for number, one in enumerate(compacted):
            # Two of them share rows if two monitorings wrote them.
            for raw in one.slices(form.needs(one.columns), SLICE_ROWS):
                yield form.of(_unseen(raw, seen))
            if left or number + 1 < len(compacted):
                seen = pl.concat([seen, one.rows(lines.IDENTITY)])
        frames = [form.nothing, *map(form.of, json_frames(left, damage))]
        whole = pl.concat(frames, how="diagonal")
        if whole.height:
            whole = whole.unique(lines.IDENTITY, keep="first", maintain_order=True)
            yield _unseen(whole, seen)


def _unseen(rows: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    if not seen.height:
        return rows
    return rows.join(seen, on=lines.IDENTITY, how="anti", maintain_order="left")


def by_folder(files: Iterable[SourceFile]) -> list[list[SourceFile]]:
    """The files of each folder, in the order of their names."""
    folders: dict[str, list[SourceFile]] = {}
    for file in sorted(files, key=lambda file: file.name):
        folders.setdefault(file.name.rpartition("/")[0], []).append(file)
    return list(folders.values())


def split(files: Iterable[SourceFile], damage: Damage) -> tuple[list[Compacted], dict[str, Path]]:
    """The compacted files that count, and the files of JSON lines by their name in the folder."""
    compacted, loose = [], {}
    for file in files:
        name = file.name.rpartition("/")[2]
        if not name.endswith(SUFFIX):
            loose[name] = file.path
        elif found := Compacted.read(name, file.path):
            compacted.append(found)
        else:
            damage.files.append(file.name)
    return current(compacted), loose


def uncompacted(loose: Mapping[str, Path], compacted: Iterable[Compacted]) -> dict[str, Path]:
    """The files of JSON lines whose rows no compacted file has."""
    if not loose:
        return {}
    held = frozenset[str]().union(*(one.holds() for one in compacted))
    return {name: path for name, path in loose.items() if name not in held}


def json_frames(paths: Mapping[str, Path], damage: Damage) -> Iterator[pl.DataFrame]:
    """The rows of files of JSON lines, a bounded number at a time; adds to `damage`."""
    rows: list[lines.Line] = []
    for name, path in paths.items():
        found, damaged = lines.parsed(path.read_bytes(), name)
        rows += found
        if damaged:
            damage.lines[name] = damage.lines.get(name, 0) + damaged
        if len(rows) >= MOST_ROWS:
            yield lines.framed(rows)
            rows = []
    if rows:
        yield lines.framed(rows)
