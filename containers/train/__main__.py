"""`python -m train`: the shell of the Train step, which knows where the job's files are.

Reads input/run, input/report, input/train, input/validation and, of a model that has it,
features.py in input/definition; writes model.tar.gz and training.json to output/model.
"""

import json
import math
from pathlib import Path

from contract.artifact import sha256
from contract.dataset_checks import Counts, problems
from contract.features import Features
from contract.paths import Paths
from contract.plan import Plan
from contract.problem import as_one_message
from contract.reports import read_reports
from contract.rows import read_rows
from contract.step import StepError, run_step
from contract.usage import measured
from train.model import train


def main(paths: Paths) -> None:
    """Train the run's candidate."""
    plan = Plan.read(paths.run_plan)
    check_dataset(plan, paths.input("report"))
    code = Features.of(plan, paths.input("definition"))
    training, validation = (read_rows(paths.input(part)) for part in ("train", "validation"))
    trained = train(plan, training, validation, code)
    packed = trained.artifact.pack()
    output = paths.output("model")
    (output / "model.tar.gz").write_bytes(packed)
    fitted = trained.fitted
    # A metric may be undefined, such as the AUC of rows of one class. JSON has no NaN.
    history = [value if math.isfinite(value) else None for value in fitted.history]
    report = {
        "format": 1,
        "library": plan.trainer.library,
        "rounds": len(fitted.history),
        "best_iteration": fitted.best,
        "history": {"metric": fitted.metric, "validation": history},
        "threshold": trained.artifact.threshold,
        "validation": trained.validation,
        "model_sha256": sha256(packed),
    }
    text = json.dumps(report, indent=1, allow_nan=False)
    (output / "training.json").write_text(text + "\n", encoding="utf-8")
    print(
        f"trained {plan.model}: {fitted.best} of {len(fitted.history)} rounds kept, "
        + ", ".join(f"{name} {value}" for name, value in trained.validation.items())
    )


def check_dataset(plan: Plan, report: Path) -> None:
    """Check the dataset as a whole if several Preprocess hosts ran. A single host has done it."""
    if not (report / "census.json").is_file():
        return
    found = list(problems(plan, Counts.merged(read_reports(report, "census"))))
    if found:
        raise StepError(as_one_message([str(problem) for problem in found]))


if __name__ == "__main__":
    run_step(measured(main, "model"))
