"""The files of a train image: what Kanmon gives it, and what it must write. No code of Kanmon's."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path("/opt/ml/processing")
MESSAGE = Path("/opt/ml/output/message")


def definition():
    """model.yaml as the run has it, with its defaults filled in."""
    run = json.loads((ROOT / "input" / "run" / "run.json").read_text(encoding="utf-8"))
    return run["definition"]["content"]


def rows(part):
    """The rows of "train" or "validation", in the order of the files' names."""
    return pl.concat(map(pl.read_parquet, sorted((ROOT / "input" / part).glob("*.parquet"))))


def learn_encoding(content, training):
    """encoding.json: how all that scores turns rows into the matrix, from the training rows."""
    target, positive = content["target"], str(content["positive"])
    found = training.get_column(target).cast(pl.String).unique().to_list()
    if len(found) != 2 or positive not in found:
        raise ValueError(f"target '{target}' needs two values, one of them '{positive}'")
    negative = next(value for value in found if value != positive)
    return {
        "format": 2,
        "task": "binary",
        "target": target,
        "positive": positive,
        "features": [learn_feature(entry, training) for entry in content["features"]],
        "classes": [negative, positive],
    }


def learn_feature(entry, training):
    """A category is its position, a new one has the number after them, a missing one the next.
    A missing number stays missing: NaN in the matrix, null here."""
    learned = {"name": entry["name"], "kind": entry["kind"], "categories": []}
    if entry["kind"] == "numeric":
        return learned | {"fallback": None, "unseen": None}
    column = training.get_column(entry["name"]).cast(pl.String)
    known = sorted(column.drop_nulls().unique().to_list())
    return learned | {
        "categories": known,
        "fallback": len(known) + 1.0,
        "unseen": float(len(known)),
    }


def encoded(encoding, frame):
    """The rows as Kanmon will encode them, float32 [rows, features]."""
    columns = []
    for feature in encoding["features"]:
        column = frame.get_column(feature["name"])
        if feature["kind"] == "categorical":
            numbers = {name: float(at) for at, name in enumerate(feature["categories"])}
            texts = column.cast(pl.String)
            column = texts.replace_strict(
                numbers, default=feature["unseen"], return_dtype=pl.Float64
            )
            column = pl.select(
                pl.when(texts.is_null()).then(feature["fallback"]).otherwise(column)
            ).to_series()
        columns.append(column.cast(pl.Float32).fill_null(float("nan")).to_numpy())
    return np.column_stack(columns).astype(np.float32)


def labels(encoding, frame):
    """1 for the positive class, else 0."""
    column = frame.get_column(encoding["target"]).cast(pl.String)
    return (column == encoding["positive"]).to_numpy().astype(np.float64)


def write_model(onnx, encoding, threshold, validation):
    """model.tar.gz and training.json. The same content always gives the same bytes."""
    described = {
        "format": 1,
        "library": "own",
        "versions": {"kanmon": 1},
        "task": encoding["task"],
        "target": encoding["target"],
        "classes": encoding["classes"],
        "best_iteration": None,
        "threshold": threshold,
    }
    packed = tar_gz(
        {
            "model.onnx": onnx,
            "encoding.json": json.dumps(encoding, ensure_ascii=False).encode(),
            "model.json": json.dumps(described, ensure_ascii=False).encode(),
        }
    )
    report = {
        "format": 1,
        "library": "own",
        "rounds": None,
        "best_iteration": None,
        "history": None,
        "threshold": threshold,
        "validation": validation,
        "model_sha256": hashlib.sha256(packed).hexdigest(),
    }
    folder = ROOT / "output" / "model"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.tar.gz").write_bytes(packed)
    (folder / "training.json").write_text(json.dumps(report, indent=1), encoding="utf-8")


def tar_gz(members):
    """Without times and owners, so that equal runs write equal files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)
