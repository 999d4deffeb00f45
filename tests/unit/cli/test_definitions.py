"""A model's folder is checked whole before anything of it is published."""

from pathlib import Path

import pytest

from kanmon.errors import BadInputError
from kanmon.models.definitions import read_folder

MODEL_YAML = """\
name: rings
task: regression
target: rings
inputs: [{name: length, kind: numeric}]
features: [{name: half, kind: numeric}]
metrics: {primary: rmse}
"""
FEATURES_PY = "import polars as pl\ndef features(frame):\n    return frame.select(half='length')\n"


SQL_YAML = """\
name: rings
task: regression
target: rings
gather: {database: sea}
features: [{name: length, kind: numeric}]
metrics: {primary: rmse}
"""


def folder(path: Path, **files: str) -> Path:
    home = path / "rings"
    home.mkdir()
    for name, content in files.items():
        (home / name.replace("_", ".")).write_text(content)
    return home


def test_a_folder_with_features_py_is_read_with_it(tmp_path: Path) -> None:
    read = read_folder(folder(tmp_path, model_yaml=MODEL_YAML, features_py=FEATURES_PY))

    assert read.files["features.py"] == FEATURES_PY.encode()
    assert read.sha256 != read_folder_without_comment(tmp_path)


def test_a_folder_with_a_query_is_read_with_it(tmp_path: Path) -> None:
    read = read_folder(folder(tmp_path, model_yaml=SQL_YAML, gather_sql="SELECT * FROM shells"))

    assert read.files["gather.sql"] == b"SELECT * FROM shells"


def read_folder_without_comment(path: Path) -> str:
    changed = path / "changed"
    changed.mkdir()
    return read_folder(
        folder(changed, model_yaml=MODEL_YAML, features_py=FEATURES_PY + "# more\n")
    ).sha256


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"model_yaml": MODEL_YAML}, "models/rings/: model.yaml has inputs, but no features.py"),
        (
            {"model_yaml": MODEL_YAML, "features_py": "import requests\n" + FEATURES_PY},
            "models/rings/features.py line 1: cannot import requests, only polars",
        ),
        (
            {"model_yaml": MODEL_YAML, "features_py": "def features(:"},
            "models/rings/features.py line 1: is not Python",
        ),
        (
            {
                "model_yaml": MODEL_YAML.replace("inputs: [{name: length, kind: numeric}]\n", ""),
                "features_py": FEATURES_PY,
            },
            "models/rings/: features.py is there, but model.yaml has no inputs",
        ),
        (
            {"model_yaml": SQL_YAML, "gather_sql": "SELECT 1;\nDROP TABLE shells"},
            "models/rings/: gather.sql line 2: there are several statements; keep one SELECT",
        ),
        (
            {
                "model_yaml": SQL_YAML.replace("gather: {database: sea}\n", ""),
                "gather_sql": "SELECT 1",
            },
            "models/rings/: gather.sql is there, but model.yaml has no gather; add gather:",
        ),
    ],
)
def test_a_folder_that_no_run_could_use_is_refused(
    tmp_path: Path, files: dict[str, str], words: str
) -> None:
    with pytest.raises(BadInputError) as raised:
        read_folder(folder(tmp_path, **files))

    assert words in raised.value.line()
