"""Files without some rows: captured requests, scores, inputs and labels. Pure: files in and out.

Each function searches a file, and writes it again without the rows where it gets a target. An
input of a batch keeps the places of its other rows, by which scores name them: a forgotten row
becomes an empty line, or in Parquet a row of nulls. No reader makes a row of either.
"""

from collections.abc import Sequence, Set
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from contract.whole_numbers import canonical
from kanmon.labels import csv_rows, parquet_rows
from kanmon.labels.rewritten import LacksKeyError, Rewritten
from kanmon.labels.whose import Whose

if TYPE_CHECKING:
    import polars as pl

PARQUET = b"PAR1"
_UNIT = "\x1f"
# A longer line is no captured request: it is damaged, and kept as it is.
_LONGEST_LINE = 16 << 20


# ---- Captured requests


def json_lines(source: Path, target: Path | None, whose: Whose) -> Rewritten:
    """Captured requests. Adds the requests that are about the keys to `whose`."""
    from observed.lines import KEY, parsed, text_of

    gone, left, keyless, lost = 0, 0, 0, 0
    names = [KEY.format(name) for name in whose.columns]
    with source.open("rb") as file, target.open("wb") if target else nullcontext() as kept:
        for line in iter(partial(file.readline, _LONGEST_LINE), b""):
            rows, damaged = parsed(line, "")
            lost += damaged
            meant = False
            for row in rows:
                cells = [row.get(name) for name in names]
                texts = [None if cell is None else text_of(cell) for cell in cells]
                keyless += None in texts
                if whose.has_key(texts):
                    whose.answers.add((row["request_id"], row["row"]))
                meant = whose.has_answer(row["request_id"], row["row"])
            gone += meant
            left += not meant and bool(rows or damaged)
            if kept and not meant:
                kept.write(line)
    unreadable = f"{lost:,} of its lines cannot be read" if lost else None
    return Rewritten(gone, left, unreadable, keyless)


def compacted(source: Path, target: Path | None, whose: Whose) -> Rewritten:
    """A compacted file of captured requests, with what it says of itself."""
    from observed.lines import KEY

    names = [KEY.format(name) for name in whose.columns]
    keyless = 0

    def needed(columns: list[str]) -> list[str]:
        return [name for name in columns if name in (*names, "request_id", "row")]

    def found(frame: "pl.DataFrame") -> "pl.Series":
        nonlocal keyless
        there = set(names) <= set(frame.columns)
        keyless += frame.height - frame.drop_nulls(names).height if there else frame.height
        of_key = _matching(frame, names, whose)
        whose.answers.update(frame.filter(of_key).select("request_id", "row").iter_rows())
        return of_key | _answered(frame, whose)

    searched = parquet_rows.without(source, target, needed, found)
    return replace(searched, keyless=keyless if names else 0)


# ---- Batches


def scores(source: Path, target: Path | None, whose: Whose, batch: str) -> Rewritten:
    """Scores of a batch, whose request is <batch>/<file>. Adds its answers about the keys to
    `whose`."""

    def found(frame: "pl.DataFrame") -> "pl.Series":
        meant = _matching(frame, _key_columns(frame.columns, whose), whose)
        rows = frame.filter(meant).select("file", "row").iter_rows()
        whose.answers.update((f"{batch}/{file}", int(row)) for file, row in rows)
        of_files = frame["file"].is_in(_files(batch, whose))
        whole = frame["file"].filter(of_files).unique()
        whose.found_requests.update(f"{batch}/{file}" for file in whole)
        return meant | of_files

    return parquet_rows.without(source, target, _places, found)


def _places(columns: list[str]) -> list[str]:
    """The columns of scores and rejects with the key, which comes first, and a row's place."""
    return [*columns[: columns.index("file")], "file", "row"]


def _key_columns(columns: Sequence[str], whose: Whose) -> list[str]:
    """The columns of scores with the key; none where the scores have another key."""
    from observed.batch_rows import key_columns

    if len(whose.columns) != columns.index("file"):
        return []
    written = key_columns(columns, whose.columns)
    return list(written.values()) if all(map(str.startswith, written.values(), written)) else []


def rejects(
    source: Path, target: Path | None, whose: Whose, batch: str, rows: Set[tuple[str, int]]
) -> Rewritten:
    """Rejected rows of a batch: those of the keys, of its files that are meant, and these rows."""
    keyless = 0

    def found(frame: "pl.DataFrame") -> "pl.Series":
        nonlocal keyless
        names = _key_columns(frame.columns, whose)
        places = zip(frame["file"], frame["row"], strict=True)
        meant = _matching(frame, names, whose) | frame["file"].is_in(_files(batch, whose))
        meant |= _series([place in rows for place in places])
        others = frame.filter(~meant)
        keyless += others.height - (others.drop_nulls(names).height if names else 0)
        return meant

    return replace(parquet_rows.without(source, target, _places, found), keyless=keyless)


def _files(batch: str, whose: Whose) -> list[str]:
    """The batch's files that are meant as requests."""
    prefix = f"{batch}/"
    return [one.removeprefix(prefix) for one in whose.requests if one.startswith(prefix)]


def inputs(
    source: Path, target: Path | None, whose: Whose, delimiter: str, rows: set[int]
) -> Rewritten:
    """An input of a batch. Adds the numbers of the keys' rows to `rows`."""
    parquet = _is_parquet(source)
    try:
        if parquet:
            return _inputs_parquet(source, target, whose, rows)
        return _inputs_csv(source, target, whose, delimiter, rows)
    except LacksKeyError as lacking:
        how = "" if parquet else f", read with the delimiter {delimiter!r}"
        return Rewritten(0, unreadable=f"it has no column {lacking}{how}", lacks_key=True)


def _inputs_csv(
    source: Path, target: Path | None, whose: Whose, delimiter: str, rows: set[int]
) -> Rewritten:
    def found(header: list[str]) -> csv_rows.IsMeant:
        lacking = _lacking(header, whose)
        at = [header.index(name) for name in whose.columns if name in header]

        def is_meant(cells: list[str], row: int) -> bool:
            if lacking and cells:
                raise LacksKeyError(lacking)
            if len(cells) <= max(at, default=0):
                return False
            meant = whose.has_key([cells[place] for place in at])
            if meant:
                rows.add(row)
            return meant

        return is_meant

    return csv_rows.without(source, target, delimiter, found, blank=True)


def _inputs_parquet(source: Path, target: Path | None, whose: Whose, rows: set[int]) -> Rewritten:
    before = 0

    def needed(columns: list[str]) -> list[str]:
        if _lacking(columns, whose):
            return columns
        return [name for name in columns if name in whose.columns]

    def found(frame: "pl.DataFrame") -> "pl.Series":
        nonlocal before
        lacking = _lacking(frame.columns, whose)
        if lacking and _has_values(frame).any():
            raise LacksKeyError(lacking)
        meant = _matching(frame, whose.columns, whose)
        rows.update(before + int(place) + 1 for place in meant.arg_true())
        before += frame.height
        return meant

    return parquet_rows.without(source, target, needed, found, blank=True)


def _lacking(columns: Sequence[str], whose: Whose) -> str | None:
    """The first column of the key that is not among these, where keys are looked for."""
    if not whose.keys:
        return None
    return next((name for name in whose.columns if name not in columns), None)


def whole_input(source: Path, target: Path | None, delimiter: str) -> Rewritten:
    """An input of a batch of which all rows are meant; an empty one is none."""
    if _is_parquet(source):
        return parquet_rows.without(source, target, list, _has_values, blank=True)
    return csv_rows.without(source, target, delimiter, lambda _: _has_cells, blank=True)


def _has_values(frame: "pl.DataFrame") -> "pl.Series":
    import polars as pl

    return frame.select(~pl.all_horizontal(pl.all().is_null())).to_series()


def _has_cells(cells: list[str], row: int) -> bool:
    return bool(cells)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PARQUET)) == PARQUET


# ---- Labels


def labels(source: Path, target: Path | None, whose: Whose, delimiter: str) -> Rewritten:
    """Labels by key, or by request where the file does not have the whole key."""
    if _is_parquet(source):

        def needed(columns: list[str]) -> list[str]:
            return [name for name in columns if name in (*whose.columns, "request_id", "row")]

        return parquet_rows.without(source, target, needed, partial(_labelled, whose=whose))

    def found(header: list[str]) -> csv_rows.IsMeant:
        by_key = bool(whose.columns) and set(whose.columns) <= set(header)
        names = list(whose.columns) if by_key else ["request_id", "row"]
        at = [header.index(name) for name in names if name in header]

        def is_meant(cells: list[str], row: int) -> bool:
            if not at or len(cells) <= max(at):
                return False
            texts = [cells[place] for place in at]
            return whose.has_key(texts) if by_key else _is_answer(texts, whose)

        return is_meant

    return csv_rows.without(source, target, delimiter, found, blank=False)


def _is_answer(texts: list[str], whose: Whose) -> bool:
    row = canonical(texts[1]) if len(texts) > 1 else "0"
    return whose.has_answer(canonical(texts[0]), int(row) if row.isdecimal() else 0)


def _labelled(frame: "pl.DataFrame", whose: Whose) -> "pl.Series":
    if whose.columns and set(whose.columns) <= set(frame.columns):
        return _matching(frame, whose.columns, whose)
    return _answered(frame, whose)


# ---- Parquet


def _matching(frame: "pl.DataFrame", names: Sequence[str], whose: Whose) -> "pl.Series":
    """Which rows have one of the keys in these columns."""
    import polars as pl

    from reading.columns import as_text, canonical_whole_numbers

    nobody = _series([False] * frame.height)
    if not names or not whose.keys or not set(names) <= set(frame.columns):
        return nobody
    texts = [as_text(name, frame.schema[name]) for name in names]
    if any(text is None for text in texts):
        return nobody
    cells = frame.select(
        text.alias(name) for name, text in zip(names, texts, strict=True) if text is not None
    )
    cells = canonical_whole_numbers(cells, names)
    joined = pl.concat_str(pl.all().fill_null(""), separator=_UNIT)
    wanted = [_UNIT.join(key) for key in whose.keys]
    found = cells.select(joined).to_series()
    meant = found.is_in(wanted).fill_null(False)
    whose.found_keys.update(tuple(key.split(_UNIT)) for key in found.filter(meant).unique())
    return meant


def _answered(frame: "pl.DataFrame", whose: Whose) -> "pl.Series":
    """Which rows are of one of the requests, or of their rows."""
    if "request_id" not in frame.columns:
        return _series([False] * frame.height)
    rows = frame["row"].fill_null(0) if "row" in frame.columns else [0] * frame.height
    pairs = zip(frame["request_id"], rows, strict=True)
    return _series([whose.has_answer(str(one), int(row or 0)) for one, row in pairs])


def _series(values: list[bool]) -> "pl.Series":
    import polars as pl

    return pl.Series(values, dtype=pl.Boolean)
