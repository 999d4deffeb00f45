"""Documents of runs as the steps write them, with numbers like those of real models."""

from __future__ import annotations

import math
from typing import Any

from core.definition.schema import ModelDefinition
from core.gate.rules import judge

JUDGED_AT = "2026-11-21T06:07:42Z"
Documents = dict[str, Any]

# fmt: off
SHELL = (
    "length", "diameter", "height", "whole_weight", "shucked_weight", "viscera_weight",
    "shell_weight",
)
USE = ("tenure_months", "monthly_charge", "total_charge", "support_calls", "data_used_gb")
VISITS = ("visits", "pages_per_visit", "minutes", "purchases", "days_since_last")
# fmt: on
FEATURES = {
    "regression": [
        {"name": "sex", "kind": "categorical"},
        *({"name": name, "kind": "numeric", "minimum": 0} for name in SHELL),
    ],
    "binary": [
        {"name": "gender", "kind": "categorical"},
        {"name": "contract", "kind": "categorical"},
        {"name": "region", "kind": "categorical"},
        *({"name": name, "kind": "numeric"} for name in USE),
    ],
    "multiclass": [
        {"name": "device", "kind": "categorical"},
        *({"name": name, "kind": "numeric"} for name in VISITS),
    ],
}
METRICS = {
    "regression": {"rmse": (2.0931, 0.083), "mae": (1.4907, 0.047), "r2": (0.5632, 0.021)},
    "binary": {
        "auc": (0.8476, 0.0107),
        "average_precision": (0.6689, 0.0214),
        "log_loss": (0.4183, 0.0132),
        "recall": (0.7512, 0.0243),
    },
    "multiclass": {
        "macro_f1": (0.8127, 0.0153),
        "accuracy": (0.8342, 0.0136),
        "log_loss": (0.4416, 0.028),
    },
}
GAINS = {
    "rmse": -0.0418,
    "mae": -0.0127,
    "r2": 0.0173,
    "auc": 0.0034,
    "average_precision": 0.0081,
    "log_loss": -0.0041,
    "recall": -0.0192,
    "accuracy": 0.0112,
    "macro_f1": 0.0162,
}
MODELS = {
    "regression": ("abalone", "Age of abalone, in rings, from measurements of the shell."),
    "binary": ("churn", "Customers who leave within the next month."),
    "multiclass": ("segments", "Which of four segments a site's member belongs to."),
}
SEGMENTS = {
    "regression": {"sex": [("M", 229, -0.051), ("I", 203, -0.062), ("F", 195, 0.014)]},
    "binary": {
        "gender": [("female", 521, 0.002), ("male", 535, 0.005)],
        "contract": [
            ("month-to-month", 584, 0.006),
            ("two-year", 250, -0.013),
            ("one-year", 222, 0.001),
        ],
        "region": [("north", 402, 0.008), ("south", 391, 0.003), ("islands", 17, 0.09)],
    },
    "multiclass": {
        "device": [("phone", 603, 0.021), ("desktop", 311, 0.014), ("tablet", 86, 0.002)]
    },
}


def definition(task: str) -> Documents:
    """A definition with its defaults filled in, as the run plan holds it."""
    model, about = MODELS[task]
    primary, *also = METRICS[task]
    written = {
        "name": model,
        "description": about,
        "owners": ["ml-team@example.com"],
        "task": task,
        "target": {"regression": "rings", "binary": "churned", "multiclass": "segment"}[task],
        "features": FEATURES[task],
        "trainer": {"library": "lightgbm", "parameters": {"learning_rate": 0.05, "num_leaves": 23}},
        "metrics": {"primary": primary, "also": also},
        "gate": GATES[task],
        "segments": list(SEGMENTS[task]),
    }
    if task == "binary":
        written["positive"] = "yes"
    return ModelDefinition.model_validate(written).model_dump(mode="json")


GATES: dict[str, Documents] = {
    "regression": {
        "floors": {"rmse": 2.5},
        "margins": {"rmse": 0.05, "mae": 0.05},
        "segment_margins": {"rmse": 0.3},
        "minimum_segment_rows": 30,
    },
    "binary": {
        "floors": {"auc": 0.8},
        "margins": {"auc": 0.01, "recall": 0.01},
        "segment_margins": {"auc": 0.02},
        "minimum_segment_rows": 30,
        "fairness": [{"column": "gender", "metric": "recall", "max_gap": 0.1}],
    },
    "multiclass": {"floors": {"macro_f1": 0.75}, "margins": {"macro_f1": 0.02}},
}


def evaluation(task: str, *, champion: bool = True) -> Documents:
    """evaluation.json of a run on about 4,000 to 7,000 rows, in today's format."""
    metrics = METRICS[task]
    test = {"regression": 627, "binary": 1056, "multiclass": 1000}[task]
    document: Documents = {
        "format": 2,
        "run": f"{MODELS[task][0]}-261121055501-x7k",
        "model": MODELS[task][0],
        "task": task,
        "primary": next(iter(metrics)),
        "metrics": list(metrics),
        "rows": {"train": test * 5 - 212, "validation": test - 8, "test": test},
        "candidate": {"metrics": {name: _around(*each) for name, each in metrics.items()}},
        "champion": None,
        "difference": None,
        "reference": None,
        "segments": [
            _segment(task, column, *each, champion=champion)
            for column, values in SEGMENTS[task].items()
            for each in values
        ],
        "fairness": _fairness() if task == "binary" else [],
        "parity": {
            "rows": test,
            "mismatches": 0,
            "largest_difference": 3.814697265625e-06,
            "tolerance": 1e-05,
        },
        "data": _data(task, test, champion=champion),
        "importance": _importance(task),
        "calibration": None,
        "curves": None,
        "residuals": None,
        "predictions": None,
        "consequences": _consequences(task) if champion else None,
        "confusion": None,
        "threshold": None,
        "seconds": 1.284,
    }
    if champion:
        document["champion"] = {
            "run": f"{MODELS[task][0]}-261017142210-q2d",
            "package_arn": _package_arn(task),
            "version": 3,
            "metrics": {
                name: _around(value - GAINS[name], spread * 1.04)
                for name, (value, spread) in metrics.items()
            },
        }
        document["difference"] = {
            name: _around(GAINS[name], spread * 0.45) for name, (_, spread) in metrics.items()
        }
    behaviour = _behaviour(task)
    if champion:
        theirs = {key: behaviour.get(key) for key in ("calibration", "curves", "residuals")}
        document["champion"] |= theirs
    return document | behaviour


# What evaluations did not have before format 2.
SINCE_FORMAT_2 = ("consequences", "curves", "predictions", "reference")
OF_THE_CHAMPION_SINCE_FORMAT_2 = ("calibration", "curves", "residuals")


def as_format_1(evaluated: Documents) -> Documents:
    """The evaluation as Evaluate wrote it before format 2."""
    old = {key: value for key, value in evaluated.items() if key not in SINCE_FORMAT_2}
    if old["champion"] is not None:
        old["champion"] = {
            key: value
            for key, value in old["champion"].items()
            if key not in OF_THE_CHAMPION_SINCE_FORMAT_2
        }
    return old | {"format": 1}


def _consequences(task: str) -> Documents:
    if task == "regression":
        return {
            "rows": 627,
            "median": 0.1415,
            "p90": 0.4316,
            "largest": 1.0958,
            "yardstick": 1.5034,
            "beyond": 12,
            "higher": 320,
            "lower": 307,
            "closer": 339,
            "farther": 288,
            "edges": [-1.0 + 0.1 * place for place in range(21)],
            "counts": [2, 2, 4, 7, 14, 22, 31, 48, 79, 101, 99, 82, 51, 33, 21, 13, 8, 5, 3, 2],
        }
    if task == "binary":
        return {
            "rows": 1056,
            "changed": 43,
            "corrected": 18,
            "broken": 25,
            "moves": [
                {"from": "no", "to": "yes", "rows": 31, "corrected": 9, "broken": 22},
                {"from": "yes", "to": "no", "rows": 12, "corrected": 9, "broken": 3},
            ],
        }
    return {
        "rows": 1000,
        "changed": 41,
        "corrected": 24,
        "broken": 13,
        "moves": [
            {"from": "casual", "to": "regular", "rows": 19, "corrected": 12, "broken": 5},
            {"from": "regular", "to": "devoted", "rows": 12, "corrected": 7, "broken": 5},
            {"from": "lapsed", "to": "casual", "rows": 6, "corrected": 3, "broken": 2},
            {"from": "devoted", "to": "lapsed", "rows": 4, "corrected": 2, "broken": 1},
        ],
    }


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
            "seconds": 2.918,
            "model_sha256": "e3b0" * 16,
        },
        "preprocess": {
            "rows_read": evaluated["data"]["rows_read"],
            "rows_rejected": 0,
            "rejected": [],
            "warnings": ["4 of 4,177 rows were rejected and left out"],
            "seconds": 0.412,
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
            "package_arn": _package_arn(task),
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
    }


def _package_arn(task: str) -> str:
    group = f"kanmon-local-{MODELS[task][0]}"
    return f"arn:aws:sagemaker:eu-west-1:123456789012:model-package/{group}/3"


def _around(value: float, spread: float) -> Documents:
    return {"value": value, "low": value - spread * 1.02, "high": value + spread * 0.97}


def _segment(
    task: str, column: str, value: str, rows: int, gain: float, *, champion: bool
) -> Documents:
    primary, (middle, spread) = next(iter(METRICS[task].items()))
    score = middle + spread * math.sin(rows)
    return {
        "column": column,
        "value": value,
        "rows": rows,
        "candidate": {primary: score},
        "champion": {primary: score - gain} if champion else None,
        "difference": {primary: _around(gain, spread * 12 / math.sqrt(rows))} if champion else None,
    }


def _data(task: str, test: int, *, champion: bool) -> Documents:
    return {
        "rows_read": test * 7 - 220,
        "rows_rejected": 0,
        "rejected_share": 0.0,
        "warnings": ["sex: 1 value in test never in training, in 2 rows, such as 'I'"],
        "drift": _drift(task) if champion else None,
    }


def _fairness() -> list[Documents]:
    groups = [
        {"value": "female", "rows": 521, "score": 0.7683},
        {"value": "male", "rows": 535, "score": 0.7327},
    ]
    return [{"column": "gender", "metric": "recall", "gap": 0.0356, "groups": groups}]


def _drift(task: str) -> list[Documents]:
    return [
        {
            "feature": each["name"],
            "kind": each["kind"],
            "psi": 0.341 / (1 + place) ** 1.3,
            "bar": 0.1,
            "chance": 0.021,
            "alarm": 0.341 / (1 + place) ** 1.3 >= 0.1,
            "distance": None if each["kind"] == "categorical" else 0.4,
            "missing_before": 0.004 * (place % 3),
            "missing_now": 0.0061 * (place % 3),
            "missing_alarm": False,
        }
        for place, each in enumerate(FEATURES[task])
    ]


def _importance(task: str) -> list[Documents]:
    names = [each["name"] for each in reversed(FEATURES[task])]
    weights = [0.62**place for place in range(len(names))]
    return [
        {"feature": name, "share": weight / sum(weights)}
        for name, weight in zip(names, weights, strict=True)
    ]


def _behaviour(task: str) -> Documents:
    if task == "regression":
        edges = [-8 + place for place in range(19)]
        counts = [round(170 * math.exp(-(((edge - 0.1) / 2.6) ** 2))) for edge in edges[:-1]]
        deciles = [
            {"predicted": 4.1 + 1.15 * place, "residual_mean": 0.34 - 0.09 * place, "rows": 63}
            for place in range(10)
        ]
        pairs = [[float(place), 1.5 + 0.85 * place + math.sin(place)] for place in range(3, 25)]
        return {
            "residuals": {"edges": edges, "counts": counts, "by_decile": deciles},
            "predictions": {"rows": 627, "points": pairs},
        }
    if task == "binary":
        points = [
            {
                "predicted": 0.04 + 0.1 * place,
                "observed": min(1.0, 0.03 + 0.098 * place + 0.02 * math.sin(place * 2)),
                "rows": 310 - 31 * place,
            }
            for place in range(10)
        ]
        counts = [[694, 82], [70, 210]]
        return {
            "calibration": points,
            "curves": {
                "roc": [[place / 40, (place / 40) ** 0.25] for place in range(41)],
                "precision_recall": [
                    [place / 40, 1 - 0.735 * (place / 40) ** 2] for place in range(41)
                ],
                "threshold": {"roc": [0.1057, 0.75], "precision_recall": [0.75, 0.7192]},
                "positive_share": 0.2652,
            },
            "confusion": {"labels": ["no", "yes"], "counts": counts},
            "threshold": 0.3127,
        }
    counts = [[402, 21, 9, 3], [33, 201, 18, 4], [8, 22, 148, 12], [2, 5, 19, 93]]
    labels = ["casual", "regular", "devoted", "lapsed"]
    return {"confusion": {"labels": labels, "counts": counts}}


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
