"""The inputs of finished batches: what was scored, with its key, as new data has it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanmon.labels.downloads import Wanted, fetched
from kanmon.stage.connection import objects_under, read_json

if TYPE_CHECKING:
    import polars as pl

    from contract.plan import Plan
    from kanmon.labels.new_data import Columns
    from kanmon.stage.connection import Connection
    from reading.source import SourceFile


class OtherKeyError(Exception):
    """The scores of a batch lack a column of the model's key; the message is one line."""


def finished_batches(connection: "Connection", model: str, since: str) -> Iterator[str]:
    """The folders of the batches that are proven whole, and were asked for on that day or later."""
    for one in objects_under(connection, f"batches/{model}/"):
        folder, _, name = one["Key"].rpartition("/")
        if name == "manifest.json":
            asked_at = str((read_json(connection, f"{folder}/plan.json") or {}).get("asked_at", ""))
            if asked_at[:10] >= since:
                yield folder


def batch_rows(
    connection: "Connection", batch: str, plan: "Plan", columns: "Columns", scratch: Path
) -> tuple[list["pl.DataFrame"], list[Wanted]]:
    """A batch's scored rows, a frame for each of its input files; and the inputs that are gone.

    Raises OtherKeyError.
    """
    document = read_json(connection, f"{batch}/plan.json")
    key_of(document, plan)  # before anything is fetched
    scores, _ = fetched(
        connection,
        [Wanted(one["Key"]) for one in objects_under(connection, f"{batch}/scores/")],
        scratch / "scores",
    )
    wanted = [Wanted(one["key"], one["version_id"]) for one in document["objects"]]
    inputs, gone = fetched(connection, wanted, scratch / "inputs")
    return joined(document, scores, inputs, plan, columns), gone


def joined(
    document: Mapping[str, Any],
    scores: Sequence["SourceFile"],
    inputs: Sequence["SourceFile"],
    plan: "Plan",
    columns: "Columns",
) -> list["pl.DataFrame"]:
    """Inputs with the keys of their scores."""
    import polars as pl

    key = key_of(document, plan)
    scored = [_keys(file.path, key, plan) for file in scores]
    if not scored:
        return []
    every = pl.concat(scored)
    shared = common_folder_of([str(one["key"]) for one in document["objects"]])
    frames = []
    for file in inputs:
        rows = every.filter(pl.col("file") == file.name.removeprefix(shared))
        found = _inputs(file, plan, columns).join(rows, left_on="row", right_on="row", how="inner")
        at = pl.lit(document["asked_at"]).str.to_datetime(time_unit="us", time_zone="UTC")
        # As observed.batch_rows names it.
        request = pl.concat_str(pl.lit(f"{document['batch']}/"), "file").alias("request_id")
        frames.append(found.with_columns(at.alias("at"), request).drop("file"))
    return frames


def common_folder_of(keys: Sequence[str]) -> str:
    """The folder that scores and rejects leave out of the names of a batch's files."""
    from reading.source import DataObject, common_folder

    return common_folder([DataObject("", key, "", 0) for key in keys])


def key_of(document: Mapping[str, Any], plan: "Plan") -> list[str]:
    """The key of the release that scored the batch, which has at least the columns of the model's
    key now. Raises OtherKeyError."""
    data = document.get("definition", {}).get("content", {}).get("data", {})
    key = list(data.get("key", plan.key))
    lacking = [name for name in plan.key if name not in key]
    if lacking:
        raise OtherKeyError(
            f"is not used: its scores have the key {', '.join(key) or 'of no column'}, "
            f"without {', '.join(lacking)} of data.key in model.yaml"
        )
    return key


def _keys(path: Path, key: Sequence[str], plan: "Plan") -> "pl.DataFrame":
    import polars as pl

    from observed.batch_rows import key_columns
    from reading.columns import KEY

    written = key_columns(list(pl.read_parquet_schema(path)), key)
    names = [written[name] for name in plan.key]
    return pl.read_parquet(path, columns=[*names, "file", "row"], glob=False).select(
        *(pl.col(name).cast(pl.String).alias(KEY.format(i)) for i, name in enumerate(names)),
        "file",
        pl.col("row").cast(pl.Int64),
    )


def _inputs(file: "SourceFile", plan: "Plan", columns: "Columns") -> "pl.DataFrame":
    """The wanted columns that the file has, and `row`."""
    import polars as pl

    from observed.tables import SomeColumns, batches, header_of

    header = header_of(file.path, file.name, plan.delimiter)
    numbers = tuple(name for name in columns.numbers if name in header)
    texts = tuple(name for name in columns.texts if name in header)
    layout = SomeColumns((), numbers, texts, (), (), plan.number_format)
    frames = [
        pl.DataFrame(schema={"row": pl.Int64(), **columns.schema([*numbers, *texts])}),
        *(
            _typed(batch.frame, plan, numbers, columns).with_columns(
                pl.Series("row", batch.rows, pl.Int64)
            )
            for batch in batches(file.path, file.name, layout, plan)
        ),
    ]
    return pl.concat(frames, how="diagonal")


def _typed(
    frame: "pl.DataFrame", plan: "Plan", numbers: Sequence[str], columns: "Columns"
) -> "pl.DataFrame":
    import polars as pl

    texts = [name for name in numbers if frame.schema[name] == pl.String]
    frame = frame.with_columns(plan.number_format.column(pl.col(texts)))
    return frame.rename({name: columns.column(name) for name in frame.columns})


def described(gone: Sequence[Wanted]) -> str:
    """The inputs that are gone, as one line.

    >>> described([Wanted("a"), Wanted("b"), Wanted("c")])
    'a and 2 more'
    """
    more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
    return f"{gone[0].key}{more}"
