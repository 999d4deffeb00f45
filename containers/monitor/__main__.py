"""`python -m monitor`: the shell of the Monitor step, which knows where the job's files are.

1. Read the plan (input/plan) and the release (input/model, report, evaluation, test).
2. Download what was captured, scored in batch and labelled, in exactly the versions of the plan.
3. Compare it with the release, and put complete days of captured requests into one file each.
4. Write report.json (output/report).
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from contract.artifact import Artifact
from contract.metrics import Scored
from contract.onnx_scoring import onnx_scores
from contract.paths import Paths
from contract.plan import Plan
from contract.problem import counted
from contract.reports import without_nan
from contract.rows import read_rows
from contract.step import run_step
from contract.usage import measured
from monitor.answers import Answers
from monitor.compacting import Compactor
from monitor.downloads import Downloads
from monitor.quality import scored
from monitor.release import ReleaseEvidence, read_release
from monitor.report import report
from monitor.request import Request
from monitor.watch import CAPTURED, Watch
from monitor.watched import watched_features, watched_predictions
from observed import captured, labels
from reading.source import s3_client


def main(paths: Paths) -> None:
    """Monitor the model in service."""
    request = Request.read(paths.input("plan") / "plan.json")
    release = read_release(paths, request)
    scratch = paths.scratch_folder("monitor")
    client = s3_client()
    downloads = Downloads(client, request.bucket, scratch / "objects")
    compactor = Compactor(
        client,
        request.bucket,
        scratch / "compacted",
        request.asked_at,
        request.memory_mb,
        request.capture,
    )
    try:
        given = read_labels(request, release.artifact, downloads)
        watch, damage = watched(request, release, given, downloads, compactor)
        answered = watch.answers.rows()
        resolved = labels.resolve(of_what_is_read(request, given, answered), answered)

        def tested() -> Scored:
            return test_scores(request.plan, release.artifact, paths.input("test"))

        document = report(request, release, watch, given, resolved, tested)
        document |= {
            "damaged": {
                "lines": sum(damage.lines.values()),
                "files": len(damage.files),
                "batches": downloads.unreadable,
            },
            "gone": downloads.document(),
            "compacted": {"days": compactor.days, "files": compactor.replaced},
        }
        write_json(paths.output("report") / "report.json", without_nan(document))
        compactor.finish()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    alarms = sum(check["alarm"] for check in document["checks"])
    print(
        f"monitored release {request.release.number} of {request.model}: {document['state']}, "
        f"{counted(watch.total, 'row')}, {document['rows']['labelled']:,} labelled, "
        f"{counted(alarms, 'alarm')}"
    )


def watched(
    request: Request,
    release: ReleaseEvidence,
    given: labels.Labels,
    downloads: Downloads,
    compactor: Compactor,
) -> tuple[Watch, captured.Damage]:
    """Everything that was captured and scored in batch, and what of it could not be read."""
    watch = Watch(
        request,
        watched_features(request.plan, release.baseline),
        watched_predictions(request.plan.task, release.scores),
        Answers(request.plan, given.frame, request.release.number),
    )
    damage = captured.Damage()
    for files in downloads.by_folder(request.capture):
        for frame in captured.pieces(compactor.over(files), request.plan, damage):
            watch.add(frame, CAPTURED)
    if request.batches:
        # Only here: what checks the rows of their files takes long to import.
        from monitor.batches import watch_batch

        for batch in request.batches:
            watch_batch(batch, downloads, watch, release.artifact.with_features)
    return watch, damage


def of_what_is_read(request: Request, given: labels.Labels, answered: pl.DataFrame) -> pl.DataFrame:
    """The labels, without those that are so old that their answers are not read any more."""
    days = request.settings.get("label_days")
    if days is None:
        return given.frame
    return labels.since(given.frame, answered, request.window.before(int(days)))


def read_labels(request: Request, artifact: Artifact, downloads: Downloads) -> labels.Labels:
    """The labels of all files that are still there."""
    received = {each.entry.key: each.received for each in request.labels}
    files = downloads.of(each.entry for each in request.labels)
    classes = artifact.encoding.classes or ()
    return labels.read(
        (labels.LabelFile(file.path, file.name, received[file.name]) for file in files),
        request.plan,
        classes,
    )


def test_scores(plan: Plan, artifact: Artifact, folder: Path) -> Scored:
    """The test rows of the release's run, scored with its model."""
    rows = read_rows(folder)
    truth = artifact.encoding.labels(rows, "test")
    scores = onnx_scores(artifact, rows).astype(np.float64)
    return scored(plan, artifact, truth, scores)


def write_json(path: Path, document: Any) -> None:
    """Write strict JSON."""
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.modules["hypothesis"] = None  # type: ignore[assignment] # see preprocess/__main__.py
    run_step(measured(main, "report"))
