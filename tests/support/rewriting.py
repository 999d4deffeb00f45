"""Files of captured rows, scores, inputs and labels, and how they are rewritten in tests."""

import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from kanmon.labels.rewritten import Rewritten
from kanmon.labels.whose import Whose


def whose(*keys: str, requests: tuple[str, ...] = (), columns: tuple[str, ...] = ("id",)) -> Whose:
    return Whose(columns, frozenset((key,) for key in keys), frozenset(requests))


def line(request: str, row: int = 0, **key: Any) -> bytes:
    document = {
        "at": "2026-11-21T10:15:00Z",
        "request_id": request,
        "model": "churn",
        "release": 7,
        "row": row,
        "prediction": "yes",
        "probability": 0.7,
        **({"key": key} if key else {}),
        "features": {"age": 30},
    }
    return json.dumps(document).encode() + b"\n"


def parquet(frame: pl.DataFrame) -> bytes:
    target = io.BytesIO()
    frame.write_parquet(target)
    return target.getvalue()


def frame_of(content: bytes) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(content))


@dataclass(frozen=True)
class Done:
    """What the search said, which the rewriting confirmed, and the new content."""

    said: Rewritten
    content: bytes

    @property
    def rows(self) -> int:
        return self.said.rows


def done(how: Callable[..., Rewritten], content: bytes, *more: Any) -> Done:
    """Search the content, then write it again. Both must say the same."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "original", Path(folder) / "rewritten"
        source.write_bytes(content)
        said = how(source, None, *more)
        assert not target.exists()
        if said.unreadable and not said.rows:
            return Done(said, b"")
        assert how(source, target, *more) == said
        return Done(said, target.read_bytes())
