"""Whose rows: keys and requests as a person names them, on the command line or in a file."""

import csv
from collections.abc import Sequence
from pathlib import Path

from contract.whole_numbers import canonical
from kanmon.errors import BadInputError
from kanmon.labels.rewriting import Whose
from kanmon.models.datasets import check_is_file


def whose_of(
    columns: Sequence[str], keys: Sequence[str], file: Path | None, requests: Sequence[str]
) -> Whose:
    """The keys of the command line and of the file, and the requests. Raises BadInputError.

    >>> whose_of(["id"], ["7.0", "8"], None, []).keys == {("7",), ("8",)}
    True
    """
    if not columns and (keys or file):
        raise BadInputError(
            "the model has no key (data.key in model.yaml)", "Name requests with --request-id."
        )
    written = list(csv.reader(keys)) + (_of_file(columns, file) if file else [])
    for cells in written:
        if len(cells) != len(columns) or not all(cells):
            raise BadInputError(
                f"{','.join(cells)!r} is no key of the model",
                f"A key has {len(columns)} values, in this order: {','.join(columns)}.",
            )
    if not written and not requests:
        raise BadInputError(
            "no key is named", "Name keys, a file with --keys-file, or requests with --request-id."
        )
    chosen = frozenset(tuple(canonical(cell) for cell in cells) for cells in written)
    return Whose(tuple(columns), chosen, frozenset(requests))


def _of_file(columns: Sequence[str], file: Path) -> list[list[str]]:
    check_is_file(file, "Name a CSV file of keys.")
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = list(csv.DictReader(text))
    except UnicodeDecodeError as error:
        raise BadInputError(f"{file} is not UTF-8 text", "Save it as UTF-8.") from error
    missing = [name for name in columns if not rows or name not in rows[0]]
    if missing:
        raise BadInputError(
            f"{file} has no rows with the column {missing[0]}",
            f"Write CSV with a header that has the key's columns: {','.join(columns)}.",
        )
    return [[row[name] or "" for name in columns] for row in rows]
