"""Whose rows: keys and requests as a person names them, on the command line or in a file."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contract.whole_numbers import canonical
from kanmon.errors import BadInputError
from kanmon.models.datasets import check_is_file


@dataclass
class Whose:
    """Whose rows are meant: keys, as texts in the order of the key's columns, and requests.

    answers are found on the way: rows of requests that are about the keys. So are found_keys and
    found_requests: those that any file has.
    """

    columns: tuple[str, ...]
    keys: frozenset[tuple[str, ...]] = frozenset()
    requests: frozenset[str] = frozenset()
    answers: set[tuple[str, int]] = field(default_factory=set)
    found_keys: set[tuple[str, ...]] = field(default_factory=set)
    found_requests: set[str] = field(default_factory=set)

    def has_key(self, cells: Sequence[str | None]) -> bool:
        """Are these the cells of one of the keys?"""
        key = tuple(canonical(cell or "") for cell in cells) if self.keys else ()
        if key not in self.keys:
            return False
        self.found_keys.add(key)
        return True

    def has_answer(self, request: str, row: int) -> bool:
        """Is this row of a request about one of the keys, or the request itself meant?"""
        if request in self.requests:
            self.found_requests.add(request)
            return True
        return (request, row) in self.answers

    def not_found(self) -> list[str]:
        """The keys, as lines of CSV, and the requests that no file has."""
        keys = io.StringIO()
        csv.writer(keys, lineterminator="\n").writerows(sorted(self.keys - self.found_keys))
        return [*keys.getvalue().splitlines(), *sorted(self.requests - self.found_requests)]


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
                _what_a_key_is(columns),
            )
    if not written and not requests:
        raise BadInputError(
            "no key is named", "Name keys, a file with --keys-file, or requests with --request-id."
        )
    chosen = frozenset(tuple(canonical(cell) for cell in cells) for cells in written)
    return Whose(tuple(columns), chosen, frozenset(requests))


def _what_a_key_is(columns: Sequence[str]) -> str:
    if len(columns) == 1:
        return f"A key is one value, of {columns[0]}."
    return f"A key has {len(columns)} values, in this order: {','.join(columns)}."


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
