"""The prepared rows as Train and Evaluate read them."""

from pathlib import Path

import polars as pl

from contract.step import StepError


def read_rows(folder: Path) -> pl.DataFrame:
    """All rows of a folder of Parquet files, in the order of the files' names."""
    parts = sorted(folder.glob("*.parquet"))
    if not parts:
        raise StepError(f"{folder}: there is no Parquet file; run Preprocess again")
    return pl.concat([pl.read_parquet(part) for part in parts])
