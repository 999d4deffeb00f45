"""Artifacts of the earlier form, from their texts in tests/support/positions/."""

import json
from pathlib import Path

import polars as pl
from google.protobuf import json_format
from onnx import ModelProto

from contract.artifact import Artifact
from contract.encoding import Encoding
from contract.libraries import xgboost

FOLDER = Path(__file__).parent / "positions"
TASKS = {"lightgbm": "regression", "xgboost": "multiclass"}


def encoding_text(library: str) -> str:
    """Its encoding.json, as it was written then."""
    return (FOLDER / library / "encoding.json").read_text(encoding="utf-8")


def artifact(library: str) -> Artifact:
    """The artifact that Train packed then."""
    folder = FOLDER / library
    onnx = json_format.ParseDict(json.loads((folder / "model.onnx.json").read_text()), ModelProto())
    return Artifact(
        native=_native(folder, library),
        onnx=onnx.SerializeToString(deterministic=True),
        encoding=Encoding.from_json(encoding_text(library)),
        description=json.loads((folder / "model.json").read_text()),
    )


def scored(library: str) -> tuple[list[dict], list[list[float]]]:
    """Rows as a caller sends them, and the scores they got."""
    document = json.loads((FOLDER / library / "scored.json").read_text())
    return document["rows"], document["scores"]


def frame(rows: list[dict]) -> pl.DataFrame:
    """The rows as Preprocess writes them."""
    types = {"size": pl.Float32, "weight": pl.Float32, "colour": pl.String}
    return pl.DataFrame(rows, schema=types)


def _native(folder: Path, library: str) -> bytes:
    if library == "lightgbm":
        return (folder / "model.txt").read_bytes()
    booster = xgboost().Booster(model_file=bytearray((folder / "model.ubj.json").read_bytes()))
    return bytes(booster.save_raw("ubj"))
