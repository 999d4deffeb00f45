"""Documents of runs as the steps write them, with numbers like those of real models."""

from __future__ import annotations

from typing import Any

from core.cost.prices import SAMPLE
from core.definition.schema import ModelDefinition
from core.gate.rules import judge
from core.usage.places import places
from core.usage.sizing import sizings
from tests.support.sample_evaluations import evaluation
from tests.support.sample_models import MODELS, Documents, definition, package_arn

JUDGED_AT = "2026-11-21T06:07:42Z"


# What the steps used, and the machine that each had.
USED = {
    "preprocess": {"seconds": 0.412, "cpu_seconds": 0.6, "peak_memory_mb": 250, "disk_mb": 4},
    "train": {"seconds": 2.918, "cpu_seconds": 5.5, "peak_memory_mb": 412, "disk_mb": 3},
    "evaluate": {"seconds": 1.284, "cpu_seconds": 1.9, "peak_memory_mb": 310, "disk_mb": 2},
}
HAD = {"instance_type": "ml.m5.large", "volume_gb": 30}


def documents(task: str, *, champion: bool = True) -> Documents:
    """Everything `render` takes, for one task."""
    content = definition(task)
    was = definition(task)
    was["trainer"]["parameters"] = {"learning_rate": 0.1, "num_leaves": 31}
    was["features"] = [each for each in was["features"] if each["name"] != "height"]
    plan = run_plan(task, champion=champion)
    evaluated = evaluation(task, champion=champion)
    return {
        "run_plan": plan,
        "evaluation": evaluated,
        "verdict": verdict(content, evaluated),
        "judged_at": JUDGED_AT,
        "training": {
            "rounds": 2000,
            "best_iteration": 342,
            "model_sha256": "e3b0" * 16,
        },
        "preprocess": {
            "rows_read": evaluated["data"]["rows_read"],
            "rows_rejected": 0,
            "rejected": [],
            "warnings": ["4 of 4,177 rows were rejected and left out"],
        },
        "champion_definition": was if champion else None,
    }


def run_plan(task: str, *, champion: bool = True) -> Documents:
    """run.json, as Open Run writes it."""
    model = MODELS[task][0]
    plan: Documents = {
        "format": 1,
        "run": f"{model}-261121055501-x7k",
        "model": model,
        "reason": "manual",
        "opened_at": "2026-11-21T05:55:01Z",
        "fingerprint": "9f2c" * 16,
        "bucket": "kanmon-local-databucket-1x2y3z",
        "stack": "kanmon-local",
        "snapshot": {"id": "0b7d" * 8, "uri": "s3://b/snapshots", "objects": 3, "bytes": 191873},
        "definition": {
            "sha256": "41ce" * 16,
            "uri": "s3://b/definitions",
            "content": definition(task),
        },
        "parameters": {"learning_rate": 0.05},
        "images": {
            step: f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/kanmon-steps@sha256:{digit * 64}"
            for step, digit in (("preprocess", "a"), ("train", "b"), ("evaluate", "c"))
        },
        "champion": None,
    }
    if champion:
        plan["champion"] = {
            "package_arn": package_arn(task),
            "version": 3,
            "run": f"{model}-261017142210-q2d",
            "model_sha256": "77aa" * 16,
            "definition_sha256": "52d0" * 16,
        }
    return plan


def verdict(content: Documents, evaluated: Documents) -> Documents:
    """The gate's own verdict on these numbers, as verdict.json holds it."""
    judged = judge(ModelDefinition.model_validate(content), evaluated)
    return {
        "verdict": judged.verdict,
        "summary": judged.summary,
        "rules": [dict(vars(rule)) for rule in judged.rules],
        "notes": list(judged.notes),
        "sizing": sizings(USED, places(dict.fromkeys(USED, HAD)), SAMPLE),
    }


def huge(task: str, name: str) -> dict[str, Any]:
    """A run with more of everything than a page can show."""
    sample = documents(task)
    evaluated = sample["evaluation"]
    for key in ("segments", "importance"):
        first = evaluated[key][0]
        evaluated[key] = [
            first | dict.fromkeys(("value", "feature"), f"{name}{place}") for place in range(500)
        ]
    evaluated["data"]["drift"] = evaluated["data"]["drift"] * 80
    evaluated["data"]["warnings"] = [f"{place}{name}" for place in range(500)]
    labels = [f"{place}{name}" for place in range(100)]
    evaluated["confusion"] = {"labels": labels, "counts": [[3] * 100 for _ in labels]}
    moves = {"rows": 9, "corrected": 5, "broken": 4}
    for place, move in enumerate([moves] * 30 if task != "regression" else []):
        evaluated["consequences"]["moves"].append(
            {**move, "from": labels[place], "to": labels[place + 1]}
        )
    group = {"value": name, "rows": 40, "score": 0.5}
    evaluated["fairness"] = [
        {"column": name, "metric": "recall", "gap": 0.1, "groups": [group] * 90} for _ in range(40)
    ]
    rule = {**sample["verdict"]["rules"][0], "segment": name, "words": name}
    sample["verdict"]["rules"] = [rule] * 2000
    sample["preprocess"]["rejected"] = [{name: name}] * 50
    sample["run_plan"]["images"] = {f"{name}{place}": name for place in range(30)}
    sample["champion_definition"]["features"] = [{"name": label} for label in labels]
    return sample
