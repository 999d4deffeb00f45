"""The prepared rows as Train and Evaluate read them."""

from pathlib import Path

import polars as pl

from contract.step import StepError


def read_rows(folder: Path) -> pl.DataFrame:
    """All rows of a folder of Parquet files, in the order of the files' names."""
    return pl.concat([read_part(part) for part in parts_of(folder)])


def parts_of(folder: Path) -> list[Path]:
    """The files of such a folder. Raises StepError if there is none."""
    parts = sorted(folder.glob("*.parquet"))
    if not parts:
        raise StepError(f"{folder}: there is no Parquet file; run Preprocess again")
    return parts


def read_part(part: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """The rows of one file, all columns of them or only these."""
    try:
        return pl.read_parquet(part, columns=columns)
    except pl.exceptions.PolarsError:
        raise StepError(
            f"{part}: this Parquet file, which Preprocess wrote, is damaged; start a new run with "
            "--force"
        ) from None
