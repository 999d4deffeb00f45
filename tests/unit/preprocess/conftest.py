"""Plans and data for the tests of Preprocess, small and made on the spot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from contract.plan import Feature, Plan
from preprocess.pipeline import Outcome, preprocess, times_of
from reading.source import SourceFile
from tests.support.small_plans import small_plan

Contents = Mapping[str, bytes | str | pl.DataFrame]


@pytest.fixture
def plan() -> Callable[..., Plan]:
    """Make a plan: sex and length predict rings, unless changed."""
    return make_plan


@dataclass(frozen=True)
class Result:
    """What a run came to, the rows it wrote, and in how many files."""

    outcome: Outcome
    parts: Mapping[str, pl.DataFrame]
    files: Mapping[str, int]

    @property
    def rows(self) -> pl.DataFrame:
        return pl.concat(self.parts.values())


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    """Preprocess files given by name and content."""

    def run(contents: Contents, plan: Plan | None = None, **options: Any) -> Result:
        return preprocess_in(tmp_path, contents, plan or make_plan(), **options)

    return run


@pytest.fixture
def preprocess_files() -> Callable[..., Result]:
    """The same in a folder that the caller names, for tests that repeat themselves."""
    return preprocess_in


@pytest.fixture
def abalones() -> Callable[..., str]:
    """The text of a CSV of `count` distinct rows."""
    return abalone_csv


def make_plan(**changes: Any) -> Plan:
    about: dict[str, Any] = {
        "task": "regression",
        "target": "rings",
        "positive": None,
        "features": (Feature("sex", "categorical"), Feature("length", "numeric", minimum=0)),
        "primary": "rmse",
        "metrics": ("rmse",),
    }
    return small_plan("abalone", **{**about, **changes})


def abalone_csv(count: int = 60, header: bool = True) -> str:
    lines = ["sex,length,rings"] if header else []
    lines += [f"{'MFI'[row % 3]},{row + 0.5},{row % 7 + 3}" for row in range(count)]
    return "\n".join(lines) + "\n"


def preprocess_in(folder: Path, contents: Contents, plan: Plan, **options: Any) -> Result:
    files = []
    for number, (name, content) in enumerate(contents.items()):
        path = folder / f"source-{number}"
        if isinstance(content, pl.DataFrame):
            content.write_parquet(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        files.append(SourceFile(path, name))

    def output(part: str) -> Path:
        target = folder / "output" / part
        target.mkdir(parents=True, exist_ok=True)
        return target

    times = times_of(plan, files)
    outcome = preprocess(plan, files, output, folder / "scratch", times=times, **options)
    written = {
        part: sorted(output(part).glob("*.parquet")) for part in ("train", "validation", "test")
    }
    parts = {
        part: pl.concat([pl.read_parquet(file) for file in files])
        for part, files in written.items()
    }
    return Result(outcome, parts, {part: len(files) for part, files in written.items()})
