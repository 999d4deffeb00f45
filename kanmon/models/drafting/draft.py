"""Drafts a model from a table: task, key, kinds of features, missing values, gate thresholds.

A first draft for a person to read and change. Every guess has its reason.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from contract.number_format import PLAIN, NumberFormat
from kanmon.errors import BadInputError
from kanmon.models.drafting.columns import Column, Ignored, judge_columns
from kanmon.models.drafting.notes import KEY_NAME, notes_of
from kanmon.models.drafting.reading import read
from kanmon.models.drafting.sample import Sample, read_sample
from kanmon.models.drafting.splits import suspected_splits
from kanmon.models.drafting.target import Target, judge_target

if TYPE_CHECKING:
    import polars as pl

MOST_SEGMENT_VALUES = 8


@dataclass(frozen=True)
class Draft:
    """The content of a drafted model.yaml."""

    name: str
    source: str
    rows: int
    delimiter: str
    null_values: list[str]
    key: list[str]
    target: Target
    features: list[Column]
    ignored: list[Ignored]
    segments: list[str]
    notes: list[str] = field(default_factory=list)
    number_format: NumberFormat = PLAIN

    @property
    def task(self) -> str:
        """regression, binary or multiclass."""
        return self.target.task


def draft_model(
    name: str,
    source: Path,
    target: str,
    *,
    task: str | None = None,
    positive: str | None = None,
    keys: list[str] | None = None,
) -> Draft:
    """Draft a model from a table. Raises BadInputError if the table cannot train one."""
    sample = read_sample(source)
    sample.require([target, *(keys or [])])
    reading = read(sample)
    frame = reading.frame
    judged = judge_target(frame[target], reading.numbers(target), task, positive)
    others = [column for column in frame.columns if column != target]
    key = _checked_keys(frame, keys) if keys else _likely_key(frame, others)
    features, ignored = judge_columns(reading, [name for name in others if name not in key])
    if not features:
        reasons = "".join(f"; {one.name}: {one.why}" for one in ignored)
        raise BadInputError(
            f"{source} has no column that could be a feature, besides {target}{reasons}",
            "Use a table with columns to learn from.",
        )
    return Draft(
        name,
        source.name,
        frame.height,
        sample.delimiter,
        reading.missing,
        key,
        judged,
        features,
        [*_odd(sample), *ignored],
        _segments(frame, features),
        [
            *notes_of(sample, reading, judged, key, features, ignored),
            *suspected_splits(frame, others, key, [one.name for one in ignored]),
        ],
        reading.number_format,
    )


def _odd(sample: Sample) -> list[Ignored]:
    return [
        Ignored(name, f"of type {dtype}: neither numbers nor text")
        for name, dtype in sample.odd.items()
    ]


def _checked_keys(frame: "pl.DataFrame", keys: list[str]) -> list[str]:
    repeated = frame.height - frame.select(keys).n_unique()
    if repeated:
        raise BadInputError(
            f"{', '.join(keys)} does not identify a row: {repeated:,} rows repeat another's",
            "Name more columns with --key, or omit it.",
        )
    return keys


def _likely_key(frame: "pl.DataFrame", columns: list[str]) -> list[str]:
    for column in columns:
        values = frame[column]
        if (
            KEY_NAME.search(column)
            and values.null_count() == 0
            and values.n_unique() == len(values)
        ):
            return [column]
    return []


def _segments(frame: "pl.DataFrame", features: list[Column]) -> list[str]:
    """The first categorical feature with few values, to start with."""
    for column in features:
        if column.kind == "categorical" and frame[column.name].n_unique() <= MOST_SEGMENT_VALUES:
            return [column.name]
    return []
