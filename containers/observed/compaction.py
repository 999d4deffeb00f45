"""Compaction: a complete day's captured requests of one release as one Parquet file.

Pure. The caller writes the file, and only then deletes those that it replaces. If it stops between
the two, readers leave out what the file says it holds, and the next compaction deletes it.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from observed import lines
from observed.captured import Damage, json_frames, split, uncompacted
from observed.compacted import REPLACES, SUFFIX
from reading.source import SourceFile


@dataclass(frozen=True)
class Compaction:
    """What to do with a folder: write `content` as `name`, then delete `replaced`.

    Without content there is nothing to write. A file with damaged lines is neither held nor
    replaced: it stays as it is until capture's retention ends.
    """

    name: str | None
    content: bytes
    rows: int
    replaced: tuple[str, ...]


def compact(files: Sequence[SourceFile]) -> Compaction:
    """Compact the files of one folder. The same files give the same name and bytes."""
    damage = Damage()
    compacted, loose = split(files, damage)
    left = uncompacted(loose, compacted)
    frames = list(json_frames(left, damage))
    good = [name for name in left if name not in damage.lines]
    names = {file.name.rpartition("/")[2] for file in files}
    # What was compacted before, and was not deleted in time.
    old = names - left.keys() - {one.name for one in compacted} - set(map(_base, damage.files))
    earlier = {one.name for one in compacted}
    found = [frame.filter(~pl.col("file").is_in([*damage.lines])) for frame in frames]
    if not any(frame.height for frame in found) and len(compacted) < 2:
        return Compaction(None, b"", 0, tuple(sorted({*good, *old})))
    whole = _ordered(lines.joined([*(one.rows() for one in compacted), *found]))
    named = hashlib.sha256("\n".join(sorted({*earlier, *good})).encode()).hexdigest()[:8]
    name = f"compacted-{named}{SUFFIX}"
    replaced = {*earlier, *good, *old} - {name}
    parquets = sorted(one for one in replaced if one.endswith(SUFFIX))
    content = io.BytesIO()
    whole.write_parquet(content, metadata={REPLACES: json.dumps(parquets)})
    return Compaction(name, content.getvalue(), whole.height, tuple(sorted(replaced)))


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _ordered(rows: pl.DataFrame) -> pl.DataFrame:
    """Each row once, in the order of time."""
    known = [name for name in rows.columns if name not in lines.FACTS]
    rows = rows.select([*lines.FACTS, *sorted(known)])
    return rows.unique(lines.IDENTITY, keep="first", maintain_order=True).sort(
        ["at", *lines.IDENTITY]
    )
