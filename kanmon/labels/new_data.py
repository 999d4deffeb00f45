"""New data from labels: answered rows that have one, as a file that the next run reads. Pure."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kanmon.errors import BadInputError

if TYPE_CHECKING:
    import polars as pl

    from contract.plan import Plan
    from observed.labels import Resolved

ENDINGS = (".csv", ".parquet")
# A data column beside the columns of answers, whose names it may share.
_DATA = "data_{}"


@dataclass(frozen=True)
class Columns:
    """The columns of a model's data besides key and target, and which captures leave out."""

    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    uncaptured: tuple[str, ...]

    @classmethod
    def of(cls, plan: "Plan") -> "Columns":
        """Those that features are made of, and the one that decides the split."""
        sources = [
            feature.derive.column if feature.derive else feature.name for feature in plan.sources
        ]
        numbers = [
            feature.name
            for feature in plan.sources
            if feature.kind == "numeric" and not feature.derive
        ]
        private = [
            source for feature, source in zip(plan.sources, sources, strict=True) if feature.private
        ]
        decides = [] if plan.split.column in (None, *sources, *plan.key) else [plan.split.column]
        own = {*numbers, *plan.key}
        texts = [name for name in dict.fromkeys((*sources, *decides)) if name and name not in own]
        kept = [name for name in dict.fromkeys(numbers) if name not in plan.key]
        lacking = [name for name in dict.fromkeys((*private, *decides)) if name]
        return cls(tuple(kept), tuple(texts), tuple(n for n in lacking if n not in plan.key))

    @property
    def all(self) -> tuple[str, ...]:
        """Every column."""
        return (*self.numbers, *self.texts)

    @staticmethod
    def column(name: str) -> str:
        """The column of a frame of answers that holds a data column."""
        return _DATA.format(name)

    def schema(self, names: Iterable[str]) -> dict[str, "pl.DataType"]:
        """The types of these columns in a frame of answers."""
        import polars as pl

        return {
            self.column(name): pl.Float64() if name in self.numbers else pl.String()
            for name in names
        }


@dataclass(frozen=True)
class NewData:
    """The file's rows, and how many labelled answers are not among them, by reason."""

    rows: "pl.DataFrame"
    left_out: Mapping[str, int]


def online_rows(captured: "pl.DataFrame", columns: Columns) -> "pl.DataFrame":
    """Captured requests as a frame of answers."""
    import polars as pl

    from observed.form import column_of

    keys = [name for name in captured.columns if name.startswith("__key_")]
    captured_ones = [
        name
        for name in columns.all
        if name not in columns.uncaptured and column_of(name) in captured.columns
    ]
    return captured.select(
        "at",
        "request_id",
        "row",
        *keys,
        *(pl.col(column_of(name)).alias(columns.column(name)) for name in captured_ones),
    )


def answers(frames: Iterable["pl.DataFrame"], plan: "Plan", columns: Columns) -> "pl.DataFrame":
    """All answers as one frame; `complete` are those with every column that data must have."""
    import polars as pl

    from reading.columns import KEY

    schema = {
        "at": pl.Datetime("us", "UTC"),
        "request_id": pl.String(),
        "row": pl.Int64(),
        **{KEY.format(index): pl.String() for index in range(len(plan.key))},
        **columns.schema(columns.all),
        "complete": pl.Boolean(),
    }
    needed = {columns.column(name) for name in columns.uncaptured}
    frames = [
        frame.with_columns(pl.lit(needed <= {*frame.columns}).alias("complete"))
        for frame in frames
        if frame.height
    ]
    whole = pl.concat([pl.DataFrame(schema=schema), *frames], how="diagonal_relaxed")
    return whole.select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def new_data(resolved: "Resolved", plan: "Plan", columns: Columns) -> NewData:
    """The labelled rows, each key once, its latest answer. Raises BadInputError without any."""
    import polars as pl

    from reading.columns import KEY

    matched = resolved.matched
    if not matched.height:
        raise BadInputError(
            f"no answer of {plan.model} has a label", f"`kanmon labels {plan.model}` shows them."
        )
    whole = matched.filter("complete")
    if not whole.height:
        names = ", ".join(columns.uncaptured)
        raise BadInputError(
            f"captured requests of {plan.model} lack {names}, and no labelled row of a batch has "
            "it",
            "Score in batch with `kanmon score-batch`, whose inputs have every column; or put "
            "private data into the file yourself.",
        )
    keys = [KEY.format(index) for index in range(len(plan.key))]
    keyed = whole.drop_nulls(keys) if keys else whole
    latest = keyed.sort("at", descending=True, maintain_order=True)
    latest = latest.unique(keys or ["request_id", "row"], keep="first", maintain_order=True)
    named = {name: pl.col(key).alias(name) for key, name in zip(keys, plan.key, strict=True)}
    data = {name: pl.col(columns.column(name)).alias(name) for name in columns.all}
    rows = latest.reverse().select(
        *{**data, **named, plan.target: pl.col("label").alias(plan.target)}.values()
    )
    return NewData(
        rows.select(*plan.key, *(name for name in rows.columns if name not in plan.key)),
        {
            "without private columns": matched.height - whole.height,
            "without a key": whole.height - keyed.height,
            "earlier answers of a key": keyed.height - latest.height,
        },
    )


def check_target(path: Path, *, plain: bool) -> None:
    """Raise BadInputError where no data file of this name can be written.

    plain: the model's numbers are written as 1234.5.
    """
    if not path.name.lower().endswith(ENDINGS):
        raise BadInputError(f"{path} is not the name of a data file", "Use .parquet or .csv.")
    if path.exists():
        raise BadInputError(f"{path} is there already", "Name another with --to, or remove it.")
    if not path.parent.is_dir():
        raise BadInputError(
            f"{path}: there is no folder {path.parent}", "Make it, or name another with --to."
        )
    if not os.access(path.parent, os.W_OK):
        raise BadInputError(
            f"{path}: you may not write to {path.parent}", "Name another folder with --to."
        )
    if not plain and not path.name.lower().endswith(".parquet"):
        raise BadInputError(
            f"{path}: numbers of this model are not written as 1234.5", "Name a .parquet file."
        )


def write(rows: "pl.DataFrame", path: Path, plan: "Plan") -> None:
    """Write a data file as the model's own are written."""
    check_target(path, plain=plan.number_format.plain)
    if path.name.lower().endswith(".parquet"):
        rows.write_parquet(path)
        return
    empty = "" if "" in plan.null_values else next(iter(plan.null_values), "")
    rows.write_csv(path, separator=plan.delimiter, null_value=empty)
