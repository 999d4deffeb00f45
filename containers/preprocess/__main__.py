"""`python -m preprocess`: the shell of the Preprocess step, which knows where the job's files are.

1. Read the run plan (input/run), the snapshot (input/snapshot) and, of a model that has it,
   features.py (input/definition).
2. Download this host's share of the objects, in exactly the versions of the snapshot.
3. Check, split and describe their rows; with features.py compute their features.
4. Write the parts (output/train, validation, test) and the reports (output/report).
"""

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.paths import Paths
from contract.plan import Plan
from contract.reports import report_name
from contract.step import StepError, run_step
from contract.usage import measured
from reading.source import downloaded, read_snapshot, s3_client

if TYPE_CHECKING:
    from preprocess.pipeline import Outcome


def main(paths: Paths) -> None:
    """Preprocess the run's data."""
    plan = Plan.read(paths.run_plan)
    snapshot = read_snapshot(paths.input("snapshot"))
    if not snapshot:
        raise StepError(
            f"{plan.model} has no data; upload some with `kanmon put-data {plan.model} FILE`"
        )
    host = paths.host()
    scratch = paths.scratch_folder("preprocess")
    try:
        # After the checks above, so they fail fast: polars and pandera take most of the start.
        from contract.features import Features
        from preprocess.pipeline import preprocess, times_of
        from preprocess.sharing import share_of

        code = Features.of(plan, paths.input("definition"))
        # A split by time reads everything twice. All hosts read all data the first time.
        every = snapshot if plan.split.time is not None else []
        times = times_of(plan, downloaded(every, scratch / "times", s3_client()))
        share = share_of(snapshot, host, scratch / "objects", s3_client())
        outcome = preprocess(
            plan,
            share.files,
            paths.output,
            scratch,
            host=host,
            total_bytes=share.bytes,
            times=times,
            code=code,
            shared=share.shared,
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    write_reports(paths, outcome)
    for warning in outcome.warnings:
        print(f"warning: {warning}")
    written = ", ".join(f"{rows:,} {part}" for part, rows in outcome.written.items())
    print(f"preprocessed {plan.model}: {outcome.rows_read:,} rows read, {written}")


def write_reports(paths: Paths, outcome: "Outcome") -> None:
    """Write what this host found, and for Train its counts where there are several hosts."""
    host, hosts = paths.host()
    report = {
        "format": 1,
        "rows_read": outcome.rows_read,
        "rows_written": outcome.written,
        "rows_rejected": outcome.rows_rejected,
        "rejected": outcome.rejected,
        "warnings": outcome.warnings,
        "split": outcome.split,
    }
    reports = {"baseline": outcome.baseline, "preprocess": report}
    if hosts > 1:
        reports["census"] = outcome.census
    for kind, document in reports.items():
        write_json(paths.output("report") / report_name(kind, host), document)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a report as strict JSON: no NaN, no infinity."""
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    # Where hypothesis is installed, pandera loads it to draw examples, which a step never does. The
    # image does not have it. A developer's machine does, which costs a quarter second at start.
    sys.modules["hypothesis"] = None  # type: ignore[assignment]
    run_step(measured(main, "report"))
