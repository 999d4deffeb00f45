"""What a person should know about a draft: printed on screen, one line each."""

import re
from shlex import quote
from typing import TYPE_CHECKING

from core.words.formats import counted
from kanmon.models.drafting.columns import Column, short
from kanmon.models.drafting.reading import Reading
from kanmon.models.drafting.sample import Sample
from kanmon.models.drafting.target import Target

if TYPE_CHECKING:
    import polars as pl

_LAST = "id|key|uuid|guid|no|nr|index"
# Before it comes a separator, or a letter of a script that has no capitals.
KEY_NAME = re.compile(rf"(^|[_\W]|[^\x00-\x7f])({_LAST})$|[a-z](Id|ID|Key)$|番号$", re.I)


def notes_of(
    sample: Sample,
    reading: Reading,
    target: Target,
    key: list[str],
    features: list[Column],
) -> list[str]:
    """Every note, the target's first."""
    notes = list(target.notes)
    if sample.cut:
        notes.append(f"only the first {sample.frame.height:,} rows were read")
    notes += _of_format(reading)
    for name, rows in reading.infinite.items():
        notes.append(
            f"{name}: {counted(rows, 'row')} {'holds' if rows == 1 else 'hold'} inf, read as "
            "missing; to reject such rows, remove inf from data.null_values"
        )
    notes += _of_features(reading, features, key)
    if key:
        notes.append(f"rows are identified by {', '.join(key)}")
    else:
        notes += _possible_keys(reading, target)
        notes += _without_key(reading.frame, features)
    if sample.frame.height < 200:
        notes.append(f"{sample.frame.height} rows are few: the test share decides on very little")
    return notes


def _of_format(reading: Reading) -> list[str]:
    found = reading.number_format
    if found.plain:
        return []
    example = next(
        (
            short(value)
            for name in reading.frame.columns
            if name not in reading.typed and reading.numbers(name) is not None
            for value in reading.frame[name].drop_nulls()
            if (found.thousands or found.decimal) in value
        ),
        "",
    )
    reads = found.number(example)
    return [f"numbers are written like {example}, which is read as {reads:g}"] if reads else []


def _of_features(reading: Reading, features: list[Column], key: list[str]) -> list[str]:
    notes = []
    for column in features:
        if column.kind != "numeric" or column.derive:
            continue
        numbers = reading.numbers(column.name)
        different = reading.frame[column.name].n_unique()
        if numbers is not None and _identifies(column.name, numbers, different):
            other = "ignore" if key else f"ignore, or add --key {quote(column.name)}"
            notes.append(
                f"{column.name} looks like an identifier ({different:,} different whole numbers in "
                f"{len(numbers):,} rows): if it is one, move it to "
                f"{other}"
            )
    dates = dict.fromkeys(column.derive["column"] for column in features if column.derive)
    for name in dates:
        parts = [each.name for each in features if each.derive and each.derive["column"] == name]
        notes.append(f"{name} is a date: the features are {', '.join(parts)}")
    return notes


def _possible_keys(reading: Reading, target: Target) -> list[str]:
    """Texts, dates aside, of which every row has another one."""
    frame = reading.frame
    return [
        f"{name} is another text in every row: if it identifies a row, add --key {quote(name)}"
        for name in frame.columns
        if name != target.name
        and frame[name].n_unique() == frame.height
        and not frame[name].null_count()
        and reading.numbers(name) is None
        and reading.dates(name) is None
    ]


def _identifies(name: str, numbers: "pl.Series", different: int) -> bool:
    """Whole numbers, each its own row's or of a column named like an identifier.

    `different` counts the texts: large identifiers merge as numbers.
    """
    if not (numbers == numbers.round()).all():
        return False
    return different == len(numbers) or (bool(KEY_NAME.search(name)) and different > 20)


def _without_key(frame: "pl.DataFrame", features: list[Column]) -> list[str]:
    from contract.dataset_checks import are_few, combinations

    names = dict.fromkeys(one.derive["column"] if one.derive else one.name for one in features)
    found = frame.select(list(names)).n_unique()
    if not are_few(found, frame.height):
        return []
    name = "name the columns that identify a row with --key"
    return [f"a key is needed: {combinations(found, frame.height)}; {name}"]
