"""Measure the quality of drafted models on public tables: `python -P benchmarks/quality_tables.py`.

Each table is drafted by `kanmon new-model` and goes unedited through the code of Preprocess, Train
and Evaluate. Plain LightGBM learns from the same training rows, with the same features, the
categories declared to it, the same cap of rounds, and early stopping on the same validation rows;
its parameters are PLAIN. Both are scored on the test rows by the task's loss: log loss, or the root
of the mean squared error. Each is trained with SEEDS, and medians are compared.

`-P`, because benchmarks/preprocess.py has the name of a step:

    python -P benchmarks/quality_tables.py [NAME …]
"""

import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl

from benchmarks.tables import TABLES, Table
from contract.libraries import lightgbm
from contract.metrics import Scored, measure
from contract.plan import Plan
from contract.rows import read_rows
from core.definition.parse import parse_definition
from evaluate.evaluation import Evidence, evaluate
from kanmon.models.drafting import model_file
from kanmon.models.drafting.draft import draft_model
from preprocess.pipeline import preprocess
from reading.source import SourceFile
from train.model import train

SEEDS = (1, 2, 3, 4, 5)
ROUNDS, PATIENCE = 1000, 100
PLAIN = {"learning_rate": 0.05, "verbosity": -1, "deterministic": True, "force_row_wise": True}
OBJECTIVES = {"regression": "regression", "binary": "binary", "multiclass": "multiclass"}
LOSSES = {"regression": "rmse", "binary": "log_loss", "multiclass": "log_loss"}
TARGET = 1.02
PARTS = ("train", "validation", "test")


def main(names: list[str]) -> None:
    """Print a line for each table. Exit 1 if one misses the target."""
    print(f"Drafted models against plain LightGBM: loss on the test rows, median of {len(SEEDS)} "
          f"seeds, target {TARGET}")  # fmt: skip
    missed = [table.name for table in TABLES
              if (not names or table.name in names) and not compared(table)]  # fmt: skip
    if missed:
        print(f"  missed: {', '.join(missed)}")
    sys.exit(bool(missed))


def compared(table: Table) -> bool:
    """Measure a table; is it within the target?"""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        plan, parts, report = prepared(table, Path(folder))
    ours = [drafted(plan, parts, report, seed) for seed in SEEDS]
    theirs = [plain(plan, parts, seed) for seed in SEEDS]
    mine, other = median(ours), median(theirs)
    ratio = mine / other
    rows = sum(part.height for part in parts)
    print(
        f"  {table.name:9} {rows:>7,} rows  {table.what:44} {LOSSES[plan.task]:8} "
        f"{mine:9.4f}, plain {other:9.4f}, ratio {ratio:.3f}"
        f"{'' if ratio <= TARGET else '  MISSED'}  ({time.perf_counter() - started:.0f} s)",
        flush=True,
    )
    return ratio <= TARGET


def prepared(table: Table, folder: Path) -> tuple[Plan, list[pl.DataFrame], dict[str, Any]]:
    """Draft a model, and let Preprocess split the rows."""
    source = table.write(folder)
    draft = draft_model(table.name, source, table.target)
    text = model_file.write(draft)
    content = json.loads(parse_definition(text, "model.yaml").model_dump_json())
    plan = Plan.from_document(
        {"run": "benchmark", "model": table.name, "definition": {"content": content}}
    )

    def output(name: str) -> Path:
        path = folder / name
        path.mkdir(exist_ok=True)
        return path

    files = [SourceFile(source, source.name)]
    outcome = preprocess(plan, files, output, folder, total_bytes=source.stat().st_size)
    report = {
        "rows_read": outcome.rows_read,
        "rows_rejected": outcome.rows_rejected,
        "rows_written": outcome.written,
    }
    return plan, [read_rows(folder / part) for part in PARTS], report


def drafted(plan: Plan, parts: list[pl.DataFrame], report: dict[str, Any], seed: int) -> float:
    """The loss that Evaluate reports for the model that Train makes."""
    trainer = dataclasses.replace(plan.trainer, seed=seed)
    metrics = tuple(dict.fromkeys((*plan.metrics, LOSSES[plan.task])))
    seeded = dataclasses.replace(plan, trainer=trainer, metrics=metrics, segments=())
    artifact = train(seeded, parts[0], parts[1]).artifact
    document = evaluate(
        seeded, parts[2], artifact, None, Evidence(report, {"features": {}}, None)
    ).document
    if document["parity"]["mismatches"]:
        sys.exit(f"{plan.model}: the ONNX form differs from the library: {document['parity']}")
    return float(document["candidate"]["metrics"][LOSSES[plan.task]]["value"])


def plain(plan: Plan, parts: list[pl.DataFrame], seed: int) -> float:
    """The loss of LightGBM by itself."""
    library = lightgbm()
    matrices, categorical = as_numbers(plan, parts)
    label, classes = labelling(plan, parts[0])
    labels = [label(part.get_column(plan.target)) for part in parts]
    settings = {**PLAIN, "objective": OBJECTIVES[plan.task], "seed": seed}
    if plan.task == "multiclass":
        settings["num_class"] = classes
    train_rows, validation_rows = (
        library.Dataset(matrix, truth, categorical_feature=categorical)
        for matrix, truth in zip(matrices[:2], labels[:2], strict=True)
    )
    booster = library.train(
        settings,
        train_rows,
        ROUNDS,
        valid_sets=[validation_rows],
        callbacks=[library.early_stopping(PATIENCE, verbose=False)],
    )
    scores = booster.predict(matrices[2], num_iteration=booster.best_iteration)
    return float(measure(LOSSES[plan.task], Scored(plan.task, labels[2], np.asarray(scores))))


def as_numbers(plan: Plan, parts: list[pl.DataFrame]) -> tuple[list[np.ndarray], list[int]]:
    """The parts as matrices, and the positions of the categories: codes by training rows."""
    columns: list[list[np.ndarray]] = [[] for _ in parts]
    categorical = [at for at, one in enumerate(plan.features) if one.kind == "categorical"]
    for at, feature in enumerate(plan.features):
        codes = {}
        if at in categorical:
            known = parts[0].get_column(feature.name).drop_nulls().unique().sort()
            codes = {value: float(code) for code, value in enumerate(known)}
        for part, found in zip(parts, columns, strict=True):
            column = part.get_column(feature.name)
            if codes:
                column = column.replace_strict(codes, default=None, return_dtype=pl.Float64)
            found.append(column.cast(pl.Float64).to_numpy())
    return [np.column_stack(found) for found in columns], categorical


def labelling(plan: Plan, training: pl.DataFrame) -> tuple[Callable[[pl.Series], np.ndarray], int]:
    """How the target becomes numbers, and how many classes it has."""
    if plan.task == "regression":
        return lambda column: column.cast(pl.Float64).to_numpy(), 0
    classes = training.get_column(plan.target).unique().sort().to_list()
    if plan.task == "binary":
        classes.sort(key=lambda name: name == plan.positive)
    codes = {name: float(code) for code, name in enumerate(classes)}
    return lambda column: column.replace_strict(codes, return_dtype=pl.Float64).to_numpy(), len(
        classes
    )


if __name__ == "__main__":
    main(sys.argv[1:])
