"""Writes the review page of a typical release: churn, retrained with another parameter.

A program, for tests whose environment has a browser but not Kanmon's dependencies:
`python -m tests.support.reviewed_churn FILE`. Candidate and champion are really trained and
evaluated, by the steps' own code on generated customers.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import sample_data.churn as sample_data
from contract.paths import Paths
from contract.plan import Plan
from core.definition.parse import parse_definition
from core.gate.rules import judge
from core.review.page import render
from evaluate.__main__ import main as evaluate
from preprocess.pipeline import preprocess
from reading.source import SourceFile
from train.__main__ import main as train

PROJECT = Path(__file__).parents[2]
JUDGED_AT = "2026-11-21T06:07:42Z"
RELEASE = {
    "number": 2,
    "opened_at": JUDGED_AT,
    "approval": "manual",
    "package_arn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/kanmon-dev-churn/2",
    "digests": {"Model file": "a" * 64, "Golden records": "b" * 64, "Serving code": "c" * 64},
}


def run_plan(number: int, parameters: dict[str, Any], champion: dict[str, Any] | None) -> Any:
    """run.json of the shipped model, with other parameters of the trainer."""
    written = (PROJECT / "models/churn/model.yaml").read_text(encoding="utf-8")
    content = parse_definition(written, "model.yaml").model_dump(mode="json")
    content["trainer"]["parameters"] |= parameters
    return {
        "format": 1,
        "run": f"churn-26112105550{number}-x7k",
        "model": "churn",
        "reason": "manual",
        "opened_at": "2026-11-21T05:55:01Z",
        "fingerprint": "9f2c" * 16,
        "snapshot": {"id": "0b7d" * 8, "objects": 2, "bytes": 1042187},
        "definition": {"sha256": f"{number}" * 64, "content": content},
        "parameters": parameters,
        "images": {
            step: f"123456789012.dkr.ecr.us-east-1.amazonaws.com/kanmon-steps@sha256:{digit * 64}"
            for step, digit in (("preprocess", "a"), ("train", "b"), ("evaluate", "c"))
        },
        "champion": champion,
    }


def run(folder: Path, plan: Any, data: list[Path], champion: Path | None = None) -> Path:
    """Do what the three steps of a run do, in one folder; where that is."""
    paths = Paths(folder / "processing")
    paths.run_plan.parent.mkdir(parents=True)
    paths.run_plan.write_text(json.dumps(plan), encoding="utf-8")
    scratch = folder / "scratch"
    scratch.mkdir()
    # The reader may delete what it has read.
    copies = [shutil.copy(path, folder / path.name) for path in data]
    files = [SourceFile(path, path.name) for path in map(Path, copies)]
    outcome = preprocess(Plan.read(paths.run_plan), files, paths.output, scratch)
    report = {
        "rows_read": outcome.rows_read,
        "rows_written": outcome.written,
        "rows_rejected": outcome.rows_rejected,
        "rejected": outcome.rejected,
        "warnings": outcome.warnings,
    }
    for name, document in (("preprocess", report), ("baseline", outcome.baseline)):
        path = paths.output("report") / f"{name}.json"
        path.write_text(json.dumps(document), encoding="utf-8")
    for name in ("train", "validation", "test", "report"):
        shutil.copytree(paths.output(name), paths.input(name))
    train(paths)
    shutil.copytree(paths.output("model"), paths.input("model"))
    if champion:
        for name, theirs in (("champion", "model"), ("champion-report", "report")):
            shutil.copytree(Paths(champion).output(theirs), paths.input(name))
    evaluate(paths)
    return paths.root


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def page(folder: Path) -> str:
    data = sample_data.write(folder / "datasets")
    first_plan = run_plan(1, {}, None)
    first = run(folder / "first", first_plan, data)
    champion = {
        "package_arn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/kanmon-dev-churn/1",
        "version": 1,
        "release": 1,
        "run": first_plan["run"],
        "model_sha256": read(first / "output/model/training.json")["model_sha256"],
        "definition_sha256": first_plan["definition"]["sha256"],
    }
    plan = run_plan(2, {"learning_rate": 0.1}, champion)
    second = run(folder / "second", plan, data, first)
    evaluation = read(second / "output/evaluation/evaluation.json")
    definition = parse_definition(
        (PROJECT / "models/churn/model.yaml").read_text(encoding="utf-8"), "model.yaml"
    )
    judged = judge(definition, evaluation)
    verdict = {
        "verdict": judged.verdict,
        "summary": judged.summary,
        "rules": [dict(vars(rule)) for rule in judged.rules],
    }
    return render(
        plan,
        evaluation,
        verdict,
        judged_at=JUDGED_AT,
        training=read(second / "output/model/training.json"),
        preprocess=read(second / "output/report/preprocess.json"),
        champion_definition=first_plan["definition"]["content"],
        cost={"usd": 0.000141},
        release=RELEASE,
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="kanmon-churn-") as made:
        Path(sys.argv[1]).write_text(page(Path(made)), encoding="utf-8")
