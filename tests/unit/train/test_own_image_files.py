"""The files of a train image of another kind: as documented, and as Kanmon reads them."""

import json
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from contract.artifact import Artifact

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "own-training.md"
FRAME = pl.DataFrame(
    {
        "color": ["red", "blue", None, "red"],
        "size": [1.0, None, 3.0, 4.0],
        "left": ["yes", "no", "no", "yes"],
    }
)
CONTENT = {
    "target": "left",
    "positive": "yes",
    "features": [
        {"name": "color", "kind": "categorical"},
        {"name": "size", "kind": "numeric"},
    ],
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example's own program, which writes into a folder of the test."""
    path = ROOT / "examples" / "own-training" / "newton" / "train" / "files.py"
    spec = spec_from_file_location("newton_files", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return module


def documented(name: str) -> set[str]:
    """The keys in the table of a file."""
    table = PAGE.read_text(encoding="utf-8").split(f"| `{name}` | |\n")[1].split("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[1:]]
    return {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}


def test_kanmon_reads_what_the_example_writes_and_encodes_rows_as_it_does(
    files: ModuleType, tmp_path: Path
) -> None:
    encoding = files.learn_encoding(CONTENT, FRAME)
    files.write_model(b"graph", encoding, 0.4, {})
    folder = tmp_path / "output" / "model"
    report = json.loads((folder / "training.json").read_text())
    asked = FRAME.with_columns(pl.Series("color", ["green", "blue", None, "red"]))

    artifact = Artifact.read(folder, report["model_sha256"])

    assert (artifact.library, artifact.threshold, artifact.onnx) == ("own", 0.4, b"graph")
    assert artifact.encoding.classes == ("no", "yes")
    np.testing.assert_array_equal(artifact.matrix(asked), files.encoded(encoding, asked))


def test_the_keys_of_the_files_are_the_documented_ones(files: ModuleType, tmp_path: Path) -> None:
    encoding = files.learn_encoding(CONTENT, FRAME)
    files.write_model(b"graph", encoding, 0.4, {})
    folder = tmp_path / "output" / "model"
    report = json.loads((folder / "training.json").read_text())
    artifact = Artifact.read(folder, report["model_sha256"])
    written = json.loads(artifact.encoding.to_json())

    assert {*written, *written["features"][0]} == documented("encoding.json")
    assert set(artifact.description) == documented("model.json")
    assert set(report) == documented("training.json")
