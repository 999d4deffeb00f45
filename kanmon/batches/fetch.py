"""Download what a batch wrote, held to its manifest; and write it as one spreadsheet file."""

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanmon.errors import BadInputError, RunFailedError

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

CHUNK = 1024 * 1024
KINDS = ("scores", "rejects")
# In a folder with what was fetched: of which batch it is.
MANIFEST = "manifest.json"
# So many rows a worksheet of the usual spreadsheet programs takes, with its header.
MOST_SPREADSHEET_ROWS = 1_048_576
# What such a program would run as a formula: at the beginning, and after what some of them take as
# the end of a cell, even between quotes.
_FORMULA = re.compile(r"((?:^|[;\t\r\n]) *)(?=[=+\-@\uff1d\uff0b\uff0d\uff20\t\r])")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


@dataclass(frozen=True)
class Fetched:
    """A file that was downloaded, or was there already as the manifest says."""

    path: Path
    rows: int
    bytes: int
    what: str


def claim(folder: Path, manifest: dict[str, Any]) -> None:
    """Keep the folder for this batch, by its manifest. Raises BadInputError where it has another's.

    The files of all batches have the same names, so these cannot tell.
    """
    there = _batch_in(folder)
    if there not in (None, manifest["batch"]):
        raise BadInputError(f"{folder} has batch {there}", "Name another folder with --to.")
    for kind in KINDS:
        _check_files(folder / kind, _named(manifest, kind), same=there is not None)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{MANIFEST}.part"
    partial.write_text(json.dumps(manifest, indent=1, ensure_ascii=False), encoding="utf-8")
    partial.replace(folder / MANIFEST)


def _batch_in(folder: Path) -> str | None:
    """The batch whose manifest the folder has."""
    path = folder / MANIFEST
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["batch"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(
            f"{path} is not the manifest of a batch", "Name another folder with --to."
        ) from error


def _check_files(folder: Path, ours: dict[str, dict[str, Any]], *, same: bool) -> None:
    """Raise BadInputError where the folder has files of another batch, to be read with these.

    same: it is known to be this batch's, whose files may have changed since: a row was forgotten.
    """
    for path in sorted(folder.glob("*.parquet")):
        known = ours.get(path.name)
        if known is None or not (same or _sha256_of(path) == known["sha256"]):
            raise BadInputError(
                f"{folder} has {path.name}, which is not of this batch",
                "Name another folder with --to.",
            )


def _named(manifest: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """What the manifest says of the files of a kind, by their names in the folder."""
    return {str(one["key"]).rsplit("/", 1)[-1]: one for one in manifest.get(kind, ())}


def fetch(
    connection: "Connection",
    manifest: dict[str, Any],
    folder: Path,
    kind: str,
    passed: Callable[[Fetched], None],
) -> list[Path]:
    """Download the scores or rejects of a batch into its folder; their paths, in order."""
    paths = []
    for name, one in _named(manifest, kind).items():
        path = folder / kind / name
        path.parent.mkdir(parents=True, exist_ok=True)
        there = path.is_file() and _sha256_of(path) == one["sha256"]
        if not there:
            _download(connection, one, path)
        what = "unchanged" if there else "downloaded"
        passed(Fetched(path, int(one["rows"]), int(one["bytes"]), what))
        paths.append(path)
    return paths


def _download(connection: "Connection", one: dict[str, Any], path: Path) -> None:
    """Write the object beside its place first: a file that is there is whole."""
    from botocore.exceptions import ClientError

    partial = path.with_name(f".{path.name}.part")
    whole = hashlib.sha256()
    try:
        found = connection.s3.get_object(Bucket=connection.bucket, Key=one["key"])
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
            raise RunFailedError(
                f"s3://{connection.bucket}/{one['key']} does not exist any more",
                "It has expired or was deleted; score the files again.",
            ) from error
        raise
    with partial.open("wb") as file:
        for chunk in found["Body"].iter_chunks(CHUNK):
            whole.update(chunk)
            file.write(chunk)
    if whole.hexdigest() != one["sha256"]:
        partial.unlink()
        raise RunFailedError(
            f"s3://{connection.bucket}/{one['key']} is not what the batch wrote: "
            "its sha256 differs from the manifest's",
            "If a `kanmon forget` is running, wait for it; if one was interrupted, repeat it. "
            "Otherwise something else replaced the file: score the files again.",
        )
    partial.replace(path)


def _sha256_of(path: Path) -> str:
    whole = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            whole.update(chunk)
    return whole.hexdigest()


def write_csv(paths: Sequence[Path], target: Path) -> int:
    """Write the rows of Parquet files into one CSV file; how many there are.

    Text that a spreadsheet program would run as a formula gets an apostrophe in front, also after a
    semicolon: in many countries that is where such a program begins the next cell. The file is in
    UTF-8 with the mark by which these programs know it.
    """
    partial = target.with_name(f".{target.name}.part")
    rows = 0
    with partial.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        header = _header_of(paths)
        writer.writerow([as_text(name) for name in header])
        for path in paths:
            for row in _rows_of(path, header):
                writer.writerow([as_text(cell) for cell in row])
                rows += 1
    partial.replace(target)
    return rows


def _header_of(paths: Iterable[Path]) -> list[str]:
    """The columns of all files: an older Kanmon, whose batch was resumed, wrote fewer."""
    import polars as pl

    return max((list(pl.read_parquet_schema(path)) for path in paths), key=len, default=[])


def _rows_of(path: Path, header: list[str]) -> Iterator[tuple[Any, ...]]:
    """The rows in the order of the header; without a value where the file lacks a column."""
    import polars as pl

    frame = pl.read_parquet(path)
    lacking = [pl.lit(None).alias(name) for name in header if name not in frame.columns]
    return frame.with_columns(lacking).select(header).iter_rows()


def as_text(cell: Any) -> Any:
    """A cell as a spreadsheet takes it: never as a formula.

    >>> as_text("=1+1"), as_text("-12.5"), as_text("-x"), as_text(0.5), as_text(None)
    ("'=1+1", '-12.5', "'-x", 0.5, None)
    >>> as_text("a;=1+1"), as_text("red; blue")
    ("a;'=1+1", 'red; blue')
    """
    if isinstance(cell, str) and not _NUMBER.fullmatch(cell):
        return _FORMULA.sub(r"\1'", cell)
    return cell
