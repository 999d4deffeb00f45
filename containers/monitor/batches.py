"""The rows that batches scored: what was asked from their own files, what was answered from their
scores. Nothing of them was copied to capture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from contract.plan import Plan
from monitor.downloads import Downloads
from monitor.request import ScoredBatch, moment
from monitor.watch import BATCH, Watch
from observed import batch_rows
from observed.form import FACTS
from reading.columns import KEY
from reading.findings import FileError


def watch_batch(
    batch: ScoredBatch, downloads: Downloads, watch: Watch, compute: batch_rows.Compute
) -> None:
    """Take in the rows of a batch, those it scored and those it refused. `compute` adds the
    features of the model's features.py.

    A file that is gone is left out and counted, and so is the whole batch if its plan is.
    """
    document = downloads.json(batch.plan_key)
    if document is None:
        return
    release = int(document["release"]["number"])
    own = release == watch.request.release.number and BATCH in watch.sources
    watch.refuse(batch.refused, moment(document["asked_at"]).date(), release)
    # What another release was asked is not compared, and may not even have the same columns or key;
    # nor is what batches were asked where requests alone are watched.
    inputs = downloads.of(batch.inputs if own else ())
    scores = downloads.of(batch.scores)
    try:
        paths = [file.path for file in scores]
        whole = batch_rows.ScoredBatch(document, inputs, paths)
        key = watch.request.plan.key
        for frame in batch_rows.frames(whole, compute) if own else answered(whole, key):
            watch.add(frame, BATCH)
    except FileError:
        # Of what could be read when it was scored, the rest is left out.
        downloads.unreadable.append(batch.name)
    finally:
        for file in (*inputs, *scores):
            file.path.unlink(missing_ok=True)


def answered(batch: batch_rows.ScoredBatch, key: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The rows without what was asked: enough to tell whose labels are theirs.

    Labels have the columns of `key`; one that this batch's own key lacks has no value.
    """
    document = batch.document
    at = moment(document["asked_at"])
    facts = {"at": at, "day": at.date(), "release": int(document["release"]["number"])}
    plan = Plan.from_document(document)
    predicted = pl.Float64() if plan.task == "regression" else pl.String()
    for path in batch.scores:
        scan = pl.scan_parquet(path, glob=False)
        written = batch_rows.key_columns(scan.collect_schema().names(), plan.key)
        keys = [
            pl.col(written[name]) if name in written else pl.lit(None, pl.String) for name in key
        ]
        yield scan.select(
            *(pl.lit(value, FACTS[name]).alias(name) for name, value in facts.items()),
            pl.format(f"{document['batch']}/{{}}", "file").alias("request_id"),
            pl.col("row").cast(FACTS["row"]),
            *(column.alias(KEY.format(place)) for place, column in enumerate(keys)),
            pl.col("prediction").cast(predicted),
        ).collect()
