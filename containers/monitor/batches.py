"""The rows that batches scored: what was asked from their own files, what was answered from their
scores. Nothing of them was copied to capture.
"""

from __future__ import annotations

from monitor.downloads import Downloads
from monitor.request import ScoredBatch, moment
from monitor.watch import BATCH, Watch
from observed import batch_rows
from reading.findings import FileError


def watch_batch(batch: ScoredBatch, downloads: Downloads, watch: Watch) -> None:
    """Take in the rows of a batch, those it scored and those it refused.

    A file that is gone is left out and counted, and so is the whole batch if its plan is.
    """
    document = downloads.json(batch.plan_key)
    if document is None:
        return
    day = moment(document["asked_at"]).date()
    watch.refuse(batch.refused, day, int(document["release"]["number"]))
    inputs, scores = downloads.of(batch.inputs), downloads.of(batch.scores)
    try:
        whole = batch_rows.ScoredBatch(document, inputs, [file.path for file in scores])
        for frame in batch_rows.frames(whole):
            watch.add(frame, BATCH)
    except FileError:
        # Of what could be read when it was scored, the rest is left out.
        downloads.unreadable.append(batch.name)
    finally:
        for file in (*inputs, *scores):
            file.path.unlink(missing_ok=True)
