"""evaluation.json as Evaluate writes it, of the sample models."""

from __future__ import annotations

import math

from tests.support.sample_models import (
    FEATURES,
    GAINS,
    METRICS,
    MODELS,
    SEGMENTS,
    Documents,
    package_arn,
)


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
    }
    if champion:
        document["champion"] = {
            "run": f"{MODELS[task][0]}-261017142210-q2d",
            "package_arn": package_arn(task),
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
