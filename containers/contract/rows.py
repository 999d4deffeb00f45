"""The prepared rows as Train and Evaluate read them."""

from pathlib import Path

import polars as pl

from contract.step import StepError


def read_rows(folder: Path) -> pl.DataFrame:
    """All rows of a folder of Parquet files, in the order of the files' names."""
    parts = sorted(folder.glob("*.parquet"))
    if not parts:
        raise StepError(f"{folder}: there is no Parquet file; run Preprocess again")
    return pl.concat([_read(part) for part in parts])


def _read(part: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(part)
    except pl.exceptions.PolarsError:
        raise StepError(
            f"{part}: this Parquet file, which Preprocess wrote, is damaged; start a new run with "
            "--force"
        ) from None
