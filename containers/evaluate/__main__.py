"""`python -m evaluate`: the shell of the Evaluate step, which knows where the job's files are.

Reads input/run, input/test, input/report, input/model, with a champion input/champion and
input/champion-report, and with a reference besides it input/reference. Writes evaluation.json,
statistics.json, golden.json and scores.parquet to output/evaluation.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contract.artifact import Artifact
from contract.baseline_merge import merge_baselines
from contract.dataset_checks import Counts, rejection, warnings
from contract.own_model import OWN, check_encoding, check_model
from contract.paths import Paths
from contract.plan import Plan
from contract.reports import read_json, read_reports
from contract.rows import read_rows
from contract.split import SplitRecord
from contract.step import StepError, run_step
from contract.usage import measured
from evaluate.evaluation import Evidence, Models, evaluate
from evaluate.model_quality import model_quality

# The most examples of rejected rows, from all hosts together.
MOST_SAMPLES = 50


def main(paths: Paths) -> None:
    """Evaluate the run's candidate."""
    plan = Plan.read(paths.run_plan)
    candidate = Artifact.read(paths.input("model"), recorded_sha256(paths.input("model")))
    check_own(plan, candidate)
    champion, champion_baseline, champion_split = None, None, None
    if plan.champion is not None:
        champion = Artifact.read(paths.input("champion"), plan.champion["model_sha256"])
        champion_baseline = read_baseline(paths.input("champion-report"))
        champion_split = read_split(paths.input("champion-report"))
    reference, reference_split = None, None
    if plan.reference is not None and "obstacle" not in plan.reference:
        reference = Artifact.read(paths.input("reference"), plan.reference["model_sha256"])
        reference_split = read_split(paths.input("reference-report"))
    report = paths.input("report")
    evidence = Evidence(
        preprocess=read_preprocess(report),
        baseline=read_baseline(report),
        champion_baseline=champion_baseline,
        split=read_split(report),
        champion_split=champion_split,
        reference_split=reference_split,
    )
    models = Models(candidate, champion, reference)
    evaluated = evaluate(plan, read_rows(paths.input("test")), models, evidence)
    document = evaluated.document
    statistics = model_quality(plan.task, evaluated.comparison.candidate, document["confusion"])
    output = paths.output("evaluation")
    write_json(output / "evaluation.json", document)
    write_json(output / "statistics.json", statistics)
    write_json(output / "golden.json", evaluated.golden)
    if evaluated.row_scores is not None:
        evaluated.row_scores.write_parquet(output / "scores.parquet", statistics=False)
    print(f"evaluated {plan.model} on {document['rows']['test']} test rows")


def read_baseline(folder: Path) -> Mapping[str, Any]:
    """The baseline of the training rows of all Preprocess hosts."""
    return merge_baselines(read_reports(folder, "baseline"))


def read_split(folder: Path) -> SplitRecord | None:
    """How the rows were split, which is the same for all Preprocess hosts."""
    return SplitRecord.read(read_reports(folder, "preprocess")[0])


def recorded_sha256(folder: Path) -> str:
    """The digest of the model that Train recorded; raises StepError where it has not."""
    training = read_json(folder / "training.json")
    found = training.get("model_sha256") if isinstance(training, dict) else None
    if not isinstance(found, str):
        raise StepError("training.json has no model_sha256; write the SHA-256 of model.tar.gz")
    return found


def check_own(plan: Plan, candidate: Artifact) -> None:
    """Raise StepError for a model that no scorer can run: an image that is not based on Kanmon's
    may have written it."""
    library = plan.trainer.library
    if candidate.library != library:
        raise StepError(
            f"model.json names the library {candidate.library} and must name {library}, as "
            "model.yaml does"
        )
    if library == OWN:
        encoding = candidate.encoding
        check_encoding(plan, encoding)
        several = encoding.task == "multiclass"
        outputs = len(encoding.classes or ()) if several else 1
        check_model(candidate.onnx, len(encoding.features), outputs)


def read_preprocess(folder: Path) -> dict[str, Any]:
    """Add up the reports of all Preprocess hosts."""
    reports = read_reports(folder, "preprocess")
    read = sum(report["rows_read"] for report in reports)
    rejected = sum(report["rows_rejected"] for report in reports)
    found = [warning for report in reports for warning in report["warnings"]]
    if (folder / "census.json").is_file():  # several hosts leave the warnings to Evaluate
        found += rejection(read, rejected)
        found += warnings(Counts.merged(read_reports(folder, "census")))
    return {
        "rows_read": read,
        "rows_rejected": rejected,
        "rejected": [sample for report in reports for sample in report["rejected"]][:MOST_SAMPLES],
        "rows_written": {
            part: sum(report["rows_written"][part] for report in reports)
            for part in reports[0]["rows_written"]
        },
        "warnings": found,
    }


def write_json(path: Path, document: Any) -> None:
    """Write strict JSON: a NaN here is a defect and must not pass."""
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    run_step(measured(main, "evaluation"))
