"""Reads rows to score from CSV or JSON lines. Pure: lines in, rows out."""

import csv
import json
import math
import shlex
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from contract.number_format import PLAIN, NumberFormat
from kanmon.errors import BadInputError

Value = float | str | None
# So many features are named in a message; the others are counted.
MOST_NAMED = 30


@dataclass(frozen=True)
class Schema:
    """The columns of a model's rows: features with their kind, and columns to ignore.

    `optional` are the features that rows may leave out; they are sent as null then. `key` are the
    columns that identify a row, which it may have; they may be features too.
    """

    features: dict[str, str]  # name -> numeric | categorical | date
    others: frozenset[str] = frozenset()  # target, key and ignored columns
    null_values: frozenset[str] = frozenset({"", "NA"})
    delimiter: str = ","
    number_format: NumberFormat = PLAIN
    optional: frozenset[str] = frozenset()
    key: tuple[str, ...] = ()

    def lacking(self, names: Set[str]) -> list[str]:
        """The features that must be among the names and are not, in the model's order."""
        return [name for name in self.features if name not in names | self.optional]

    def complete(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values, with null for each optional feature that was left out."""
        left_out = [name for name in self.features if name in self.optional - values.keys()]
        return values | dict.fromkeys(left_out)


@dataclass(frozen=True)
class Row:
    """A row with its number, from 1; or why it cannot be scored."""

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None
    key: dict[str, Any] = field(default_factory=dict)


def read_rows(lines: Iterable[str], schema: Schema) -> Iterator[Row]:
    """Rows from CSV with a header, or from one JSON object a line."""
    whole = iter(lines)
    for first in whole:
        begin = first.lstrip("\ufeff")
        if not begin.strip():
            continue
        again = chain([begin], whole)
        if begin.lstrip().startswith("{"):
            return _json_rows(again, schema)
        if begin.lstrip().startswith("["):
            raise BadInputError(
                "the rows are a JSON list",
                "Write one JSON object a line, without a list around them.",
            )
        return _csv_rows(again, schema)
    raise BadInputError("there are no rows", "Write CSV with a header, or one JSON object a line.")


def _json_rows(lines: Iterable[str], schema: Schema) -> Iterator[Row]:
    number = 0
    for line in lines:
        if not line.strip():
            continue
        number += 1
        try:
            given = json.loads(line.strip(), parse_constant=_refuse)
        except json.JSONDecodeError as error:
            problem = f"is not JSON: {error.msg.lower()} (column {error.colno})"
            yield Row(number, problem=problem)
            continue
        except ValueError as error:
            yield Row(number, problem=f"is not JSON: {error}")
            continue
        if not isinstance(given, dict):
            yield Row(number, problem="is not a JSON object; write {feature: value, …}")
            continue
        lacking = schema.lacking(given.keys())
        if lacking:
            problem = f"leaves out {_some(lacking)}; write null where a value is unknown"
            yield Row(number, problem=problem)
            continue
        # A key may be a feature too.
        values = {
            name: one
            for name, one in given.items()
            if name in schema.features or name not in schema.others
        }
        key = {name: given[name] for name in schema.key if name in given}
        yield Row(number, schema.complete(values), key=key)


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is not a number; send null for a missing value")


def _csv_rows(lines: Iterable[str], schema: Schema) -> Iterator[Row]:
    # Strict, because a stray quote would silently swallow rows.
    reader = csv.reader(lines, delimiter=schema.delimiter, strict=True)
    header = next(reader)
    _check_header(header, schema)
    number = 0
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise BadInputError(
                f"line {reader.line_num} is not CSV: {error}",
                "Close every quote, and double a quote inside a quoted cell.",
            ) from error
        if cells is None:
            return
        if not cells:
            continue
        number += 1
        if len(cells) != len(header):
            yield Row(number, problem=f"has {len(cells)} fields, the header {len(header)}")
            continue
        values = {
            name: value(cell, schema.features[name], schema.null_values, schema.number_format)
            for name, cell in zip(header, cells, strict=True)
            if name in schema.features
        }
        given = dict(zip(header, cells, strict=True))
        key = {
            name: value(given[name], "key", schema.null_values)
            for name in schema.key
            if name in given
        }
        yield Row(number, schema.complete(values), key=key)


def _check_header(header: list[str], schema: Schema) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise BadInputError(f"the header names {', '.join(twice)} twice", "Name each column once.")
    if not set(header) & set(schema.features):
        raise BadInputError(
            f"the first line names none of the model's features ({', '.join(schema.features)})",
            "Write CSV with a header and model.yaml's delimiter, or one JSON object a line.",
        )
    unknown = [name for name in header if name not in schema.features | _named(schema.others)]
    if unknown:
        raise BadInputError(
            f"the model has no feature {', '.join(unknown)}",
            f"Remove or rename it; the features are {', '.join(schema.features)}.",
        )
    lacking = schema.lacking(set(header))
    if lacking:
        more = ", and so on for each" if len(lacking) > 1 else ""
        raise BadInputError(
            f"the rows lack {len(lacking)} of the model's {len(schema.features)} features: "
            f"{_some(lacking)}",
            "Add a column for each, with empty cells where a value is unknown; or score without "
            f"them: --allow-missing {shlex.quote(lacking[0])}{more}.",
        )


def _some(names: list[str]) -> str:
    """
    >>> _some(["a", "b"])
    'a, b'
    """
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _named(others: frozenset[str]) -> dict[str, str]:
    return dict.fromkeys(others, "")


def value(
    cell: str,
    kind: str,
    null_values: frozenset[str],
    number_format: NumberFormat = PLAIN,
) -> Value:
    """A cell as a value for the scorer, which refuses a text where a number belongs.

    >>> value("0.5", "numeric", frozenset({"NA"})), value("1", "categorical", frozenset())
    (0.5, '1')
    >>> value("NA", "numeric", frozenset({"NA"})), value("1_000", "numeric", frozenset())
    (None, '1_000')
    """
    if cell in null_values:
        return None
    number = number_format.number(cell) if kind == "numeric" else None
    return cell if number is None or not math.isfinite(number) else number


def batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """
    >>> [[row.number for row in batch] for batch in batches(map(Row, range(1, 6)), 2)]
    [[1, 2], [3, 4], [5]]
    """
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
