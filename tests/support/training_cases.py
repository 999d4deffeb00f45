"""Small plans and rows for the tests of Train and Evaluate."""

import numpy as np
import polars as pl

from contract.plan import Plan

# Column names and categories as hostile as CSV files get.
HOSTILE = "a \"b\", 'c' [d]=e\n\tß→猫 \\ {x}"
TASKS = ("regression", "binary", "multiclass")
LIBRARIES = ("lightgbm", "xgboost")
METRICS = {
    "regression": ["rmse", "mae", "mape", "r2"],
    "binary": [
        "auc", "average_precision", "log_loss", "brier", "accuracy", "precision", "recall", "f1",
    ],
    "multiclass": ["macro_f1", "accuracy", "log_loss"],
}  # fmt: skip


def plan(task: str = "regression", library: str = "lightgbm", **changes: object) -> Plan:
    """A run plan for the rows of `rows`; see `document`."""
    return Plan.from_document(document(task, library, **changes))


def document(
    task: str = "regression",
    library: str = "lightgbm",
    *,
    features: dict[str, str] | None = None,
    target: str = "target",
    parameters: dict | None = None,
    rounds: int = 30,
    patience: int = 10,
    seed: int = 7,
    trainer: dict | None = None,
    **changes: object,
) -> dict:
    """A run.json for the rows of `rows`; `changes` are keys of it, or of its definition."""
    features = features or {"size": "numeric", "weight": "numeric", "colour": "categorical"}
    default = {"min_data_in_leaf": 5} if library == "lightgbm" else {"max_depth": 4}
    content = {
        "task": task,
        "target": target,
        "positive": "yes" if task == "binary" else None,
        "features": [{"name": name, "kind": kind} for name, kind in features.items()],
        "data": {},
        "split": {"train": 0.7, "validation": 0.15, "test": 0.15},
        "trainer": {
            "library": library,
            "rounds": rounds,
            "early_stopping_rounds": patience,
            "seed": seed,
            "parameters": default if parameters is None else parameters,
            **(trainer or {}),
        },
        "metrics": {"primary": METRICS[task][0], "also": METRICS[task][1:]},
        "gate": changes.pop("gate", {}),
        "segments": changes.pop("segments", []),
        "resources": {"preprocess": {"memory_mb": 1024}},
    }
    whole = {"run": "r-1", "model": "m", "champion": None, "definition": {"content": content}}
    return whole | changes


def rows(
    task: str = "regression",
    count: int = 300,
    seed: int = 0,
    *,
    missing: bool = True,
    names: tuple[str, str, str, str] = ("size", "weight", "colour", "target"),
    categories: tuple[str, ...] = ("blue", "green", "red"),
) -> pl.DataFrame:
    """Rows with something to learn; with `missing`, a tenth of each feature is not there."""
    random = np.random.default_rng(seed)
    size, weight = random.normal(size=(2, count)).astype(np.float32)
    place = random.integers(len(categories), size=count)
    level = 2 * size + weight * place + random.normal(0, 0.3, count)
    target: pl.Series
    if task == "regression":
        target = pl.Series((5 + np.exp(level / 4)).astype(np.float32))
    elif task == "binary":
        target = pl.Series(np.where(level > 0.5, "yes", "no"))
    else:
        target = pl.Series(np.select([level < -1, level > 1], ["low", "high"], "mid"))
    frame = pl.DataFrame(
        {
            names[0]: size,
            names[1]: weight,
            names[2]: [categories[at] for at in place],
            names[3]: target,
        }
    )
    if not missing:
        return frame
    gone = random.random((count, 3)) < 0.1
    return frame.with_columns(
        pl.when(~pl.Series(gone[:, at])).then(pl.col(name)).alias(name)
        for at, name in enumerate(names[:3])
    )
