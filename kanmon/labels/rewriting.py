"""Files without some rows: captured requests, scores, inputs and labels. Pure: bytes in and out.

An input of a batch keeps the places of its other rows, by which scores name them: a forgotten row
becomes an empty line, or in Parquet a row of nulls. No reader makes a row of either.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from contract.whole_numbers import canonical

if TYPE_CHECKING:
    import polars as pl

PARQUET, GZIP, BOM = b"PAR1", b"\x1f\x8b", "\ufeff"
_UNIT = "\x1f"
# Data is packed to a tenth or so, never to less than a hundredth; a small file may be.
MOST_PACKED, ALWAYS_UNPACKED = 100, 64 << 20


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


@dataclass(frozen=True)
class Rewritten:
    """A file without the rows: how many they were, how many others it has, and its new content.

    unreadable: why the file, or some of it, cannot be searched.
    keyless: its captured rows without a key.
    """

    rows: int
    left: int = 0
    content: bytes = b""
    unreadable: str | None = None
    keyless: int = 0


# ---- Captured requests


def json_lines(content: bytes, whose: Whose) -> Rewritten:
    """Captured requests. Adds the requests that are about the keys to `whose`."""
    from observed.lines import KEY, parsed, text_of

    kept, gone, keyless, lost = [], 0, 0, 0
    for line in content.splitlines(keepends=True):
        rows, damaged = parsed(line, "")
        lost += damaged
        if damaged:
            kept.append(line)
        for row in rows:
            cells = [row.get(KEY.format(name)) for name in whose.columns]
            texts = [None if cell is None else text_of(cell) for cell in cells]
            keyless += None in texts
            if whose.has_key(texts):
                whose.answers.add((row["request_id"], row["row"]))
            if whose.has_answer(row["request_id"], row["row"]):
                gone += 1
            else:
                kept.append(line)
    unreadable = f"{lost:,} of its lines cannot be read" if lost else None
    return Rewritten(gone, len(kept), b"".join(kept), unreadable, keyless)


def compacted(content: bytes, whose: Whose) -> Rewritten:
    """A compacted file of captured requests, with what it says of itself."""
    from observed.lines import KEY

    names = [KEY.format(name) for name in whose.columns]
    keyless = 0

    def found(frame: "pl.DataFrame") -> "pl.Series":
        nonlocal keyless
        there = set(names) <= set(frame.columns)
        keyless = frame.height - frame.drop_nulls(names).height if there else frame.height
        of_key = _matching(frame, names, whose)
        whose.answers.update(frame.filter(of_key).select("request_id", "row").iter_rows())
        return of_key | _answered(frame, whose)

    return replace(_parquet(content, found), keyless=keyless if names else 0)


# ---- Batches


def scores(content: bytes, whose: Whose, batch: str) -> Rewritten:
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

    return _parquet(content, found)


def _key_columns(columns: Sequence[str], whose: Whose) -> list[str]:
    """The columns of scores with the key; none where the scores have another key."""
    from observed.batch_rows import key_columns

    if len(whose.columns) != columns.index("file"):
        return []
    written = key_columns(columns, whose.columns)
    return list(written.values()) if all(map(str.startswith, written.values(), written)) else []


def rejects(content: bytes, whose: Whose, places: Set[tuple[str, int]]) -> Rewritten:
    """Rejected rows of a batch: those of the keys, and those of these files and rows."""
    keyless = 0

    def found(frame: "pl.DataFrame") -> "pl.Series":
        nonlocal keyless
        names = _key_columns(frame.columns, whose)
        rows = zip(frame["file"], frame["row"], strict=True)
        meant = _matching(frame, names, whose)
        meant |= _series([(file, row) in places for file, row in rows])
        others = frame.filter(~meant)
        keyless = others.height - (others.drop_nulls(names).height if names else 0)
        return meant

    return replace(_parquet(content, found), keyless=keyless)


def _files(batch: str, whose: Whose) -> list[str]:
    """The batch's files that are meant as requests."""
    prefix = f"{batch}/"
    return [one.removeprefix(prefix) for one in whose.requests if one.startswith(prefix)]


def inputs(
    content: bytes, whose: Whose, delimiter: str, rows: set[int], *, every: bool = False
) -> Rewritten:
    """An input of a batch. Adds the numbers of the rows to `rows`. every: all of them are meant."""
    if content.startswith(PARQUET):
        return _inputs_parquet(content, whose, rows, every)

    def found(header: list[str]) -> Callable[[list[str], int], bool]:
        at = [header.index(name) for name in whose.columns if name in header]

        def is_meant(cells: list[str], row: int) -> bool:
            if not every and (len(at) < len(whose.columns) or len(cells) <= max(at, default=0)):
                return False
            meant = bool(cells) if every else whose.has_key([cells[place] for place in at])
            if meant:
                rows.add(row)
            return meant

        return is_meant

    return _csv(content, delimiter, found, blank=True)


def _inputs_parquet(content: bytes, whose: Whose, rows: set[int], every: bool) -> Rewritten:
    import polars as pl

    frame = _frame(content)
    if frame is None:
        return Rewritten(0, unreadable="it is damaged Parquet")
    is_there = frame.select(~pl.all_horizontal(pl.all().is_null())).to_series()
    meant = is_there if every else _matching(frame, whose.columns, whose)
    rows.update(int(place) + 1 for place in meant.arg_true())
    blanked = frame.with_columns(pl.when(~meant).then(pl.all()))
    return Rewritten(int(meant.sum()), int((~meant).sum()), _written(blanked, content))


# ---- Labels


def labels(content: bytes, whose: Whose, delimiter: str) -> Rewritten:
    """Labels by key, or by request where the file does not have the whole key."""
    if content.startswith(PARQUET):
        return _parquet(content, lambda frame: _labelled(frame, whose))

    def found(header: list[str]) -> Callable[[list[str], int], bool]:
        by_key = bool(whose.columns) and set(whose.columns) <= set(header)
        names = list(whose.columns) if by_key else ["request_id", "row"]
        at = [header.index(name) for name in names if name in header]

        def is_meant(cells: list[str], row: int) -> bool:
            if not at or len(cells) <= max(at):
                return False
            texts = [cells[place] for place in at]
            return whose.has_key(texts) if by_key else _is_answer(texts, whose)

        return is_meant

    return _csv(content, delimiter, found, blank=False)


def _is_answer(texts: list[str], whose: Whose) -> bool:
    row = canonical(texts[1]) if len(texts) > 1 else "0"
    return whose.has_answer(canonical(texts[0]), int(row) if row.isdecimal() else 0)


def _labelled(frame: "pl.DataFrame", whose: Whose) -> "pl.Series":
    if whose.columns and set(whose.columns) <= set(frame.columns):
        return _matching(frame, whose.columns, whose)
    return _answered(frame, whose)


# ---- Parquet


def _parquet(content: bytes, found: Callable[["pl.DataFrame"], "pl.Series"]) -> Rewritten:
    frame = _frame(content)
    if frame is None:
        return Rewritten(0, unreadable="it is damaged Parquet")
    meant = found(frame)
    kept = frame.filter(~meant)
    gone = frame.height - kept.height
    return Rewritten(gone, kept.height, _written(kept, content) if gone else b"")


def _frame(content: bytes) -> "pl.DataFrame | None":
    import polars as pl

    try:
        return pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError):
        return None


def _written(frame: "pl.DataFrame", original: bytes) -> bytes:
    """The frame as Parquet, with what the original says of itself."""
    import polars as pl

    said = pl.read_parquet_metadata(io.BytesIO(original))
    ours = {name: text for name, text in said.items() if name != "ARROW:schema"}
    target = io.BytesIO()
    frame.write_parquet(target, metadata=ours)
    return target.getvalue()


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


# ---- CSV


def _csv(
    content: bytes,
    delimiter: str,
    found: Callable[[list[str]], Callable[[list[str], int], bool]],
    *,
    blank: bool,
) -> Rewritten:
    packed = content.startswith(GZIP)
    try:
        unpacked = _unpacked(content) if packed else content
        if unpacked is None:
            return Rewritten(0, unreadable=f"it unpacks to over {MOST_PACKED} times its size")
        text = unpacked.decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        return Rewritten(0, unreadable="it is no UTF-8 text")
    kept, gone, left = [], 0, 0
    is_meant: Callable[[list[str], int], bool] | None = None
    try:
        for row, (cells, raw) in enumerate(_records(text, delimiter)):
            if is_meant is None:
                is_meant = found([cell.removeprefix(BOM) for cell in cells])
                kept.append(raw)
            elif is_meant(cells, row):
                gone += 1
                kept.append("\n" if blank else "")
            else:
                left += bool(cells)
                kept.append(raw)
    except csv.Error:
        return Rewritten(0, unreadable="it is no CSV")
    whole = "".join(kept).encode()
    return Rewritten(gone, left, gzip.compress(whole, mtime=0) if packed else whole)


def _unpacked(content: bytes) -> bytes | None:
    """What was packed; None of a file that is made to fill the memory of those who read it."""
    most = max(ALWAYS_UNPACKED, MOST_PACKED * len(content))
    with gzip.open(io.BytesIO(content)) as file:
        unpacked = file.read(most + 1)
    return unpacked if len(unpacked) <= most else None


def _records(text: str, delimiter: str) -> Iterator[tuple[list[str], str]]:
    """Each record with the very text that it was read from."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            taken.append(line)
            yield line

    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    for cells in csv.reader(lines(), delimiter=delimiter):
        yield cells, "".join(taken)
        taken.clear()
