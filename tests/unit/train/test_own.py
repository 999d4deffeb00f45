"""Train with a train.py of the model's own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contract.artifact import Artifact, sha256
from contract.native_model import native_model
from contract.onnx_scoring import onnx_scores
from contract.plan import Plan
from contract.step import StepError
from evaluate.diagnostics import importance
from tests.support.own_training import LINEAR, linear
from tests.support.training_cases import plan, rows
from train.own import read_base, read_program, train_own


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_the_model_that_fit_returns_is_packed_with_kanmons_encoding(task: str) -> None:
    asked, table = plan(task, "own"), rows(task)

    trained = train_own(asked, table[:200], table[200:], linear(task))

    read = Artifact.unpack(trained.artifact.pack(), "model.tar.gz")
    assert (read.library, read.native == read.onnx) == ("own", True)
    assert read.encoding.names == ("size", "weight", "colour")
    outputs = len(read.encoding.classes or ()) if task == "multiclass" else 1
    assert onnx_scores(read, table).shape == (300, outputs)
    assert (read.threshold is None) == (task != "binary")
    assert trained.fitted is None


def test_the_same_rows_give_the_same_bytes() -> None:
    asked, table = plan("binary", "own"), rows("binary")

    first, second = (
        train_own(asked, table[:200], table[200:], LINEAR).artifact.pack() for _ in range(2)
    )

    assert first == second


def test_importance_is_how_far_the_scores_move() -> None:
    table = rows("regression")
    trained = train_own(plan("regression", "own"), table[:200], table[200:], LINEAR).artifact

    found = importance(trained, native_model("own", trained.native), table)

    assert sum(each["share"] for each in found) == pytest.approx(1)
    assert found[0]["feature"] == "size"  # the target is made of it most


def test_each_row_is_compared_with_itself_alone() -> None:
    table = rows("regression")
    artifact = train_own(plan("regression", "own"), table[:200], table[200:], LINEAR).artifact
    matrix = artifact.matrix(table)

    alone = native_model("own", artifact.native).scores(matrix)

    assert np.allclose(alone, onnx_scores(artifact, table)[:, 0], rtol=1e-6)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (
            "import nothing_such\ndef fit(data): ...",
            "train.py line 1: ModuleNotFoundError: No module",
        ),
        (
            "def fit(data):\n    return 1 / 0",
            "train.py line 2: ZeroDivisionError: division by zero; correct train.py",
        ),
        ("def fit(data): return 7", "train.py: fit returned a int, not a model as ONNX"),
        ("def fit(data): return b'x'", "model.onnx cannot be loaded by ONNX Runtime"),
        ("def fit(data): return b'x' * 130_000_000", "model.onnx has 130 MB, more than 120"),
    ],
)
def test_a_train_py_that_fails_is_named_in_one_line(program: str, words: str) -> None:
    table = rows("regression")

    with pytest.raises(StepError) as told:
        train_own(plan("regression", "own"), table[:200], table[200:], program.encode())

    assert str(told.value).startswith(words)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ('"features", TensorProto', '"inputs", TensorProto'),
            "model.onnx takes inputs tensor(float) [rows, 3] and must take",
        ),
        (
            ('"scores", TensorProto', '"found", TensorProto'),
            "model.onnx gives found tensor(float) [rows, 1] and must give",
        ),
        (
            ("weights.astype", "(weights * np.nan).astype"),
            "model.onnx scores 100 of 100 validation rows with no finite number",
        ),
        (
            ("return model", "return model, lambda matrix: matrix[:, :1] + 1e6"),
            "model.onnx scores 100 of 100 validation rows otherwise than train.py",
        ),
    ],
)
def test_a_model_that_no_scorer_can_use_is_refused(change: tuple[str, str], words: str) -> None:
    table, (old, new) = rows("regression"), change
    program = LINEAR.decode()
    assert old in program
    program = program.replace(old, new)
    if "found" in new or "inputs" in new:
        name = "scores" if "found" in new else "features"
        other = "found" if "found" in new else "inputs"
        program = program.replace(f'"{name}"', f'"{other}"')

    with pytest.raises(StepError) as told:
        train_own(plan("regression", "own"), table[:200], table[200:], program.encode())

    assert str(told.value).startswith(words)


def test_scores_that_are_no_probabilities_are_refused() -> None:
    table = rows("binary")

    with pytest.raises(StepError, match="no probabilities; end the graph with a sigmoid"):
        train_own(plan("binary", "own"), table[:200], table[200:], linear("regression"))


def test_a_folder_without_train_py_says_who_calls_it(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"train\.py: missing, and Kanmon's Train calls it"):
        read_program(plan("binary", "own"), tmp_path)


def test_another_train_py_than_the_published_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("def fit(data): ...")
    asked = replace(plan("binary", "own"), definition_sha256="0" * 64)

    with pytest.raises(StepError, match=r"not the published file .*; publish the model again"):
        read_program(asked, tmp_path)


def with_base(sha256: str) -> Plan:
    base = {"base": {"file": "encoder.onnx", "sha256": sha256}}
    return plan("binary", "own", trainer=base)


def test_fit_gets_the_file_that_trainer_base_names(tmp_path: Path) -> None:
    (tmp_path / "encoder.onnx").write_bytes(b"weights")
    asked, table = with_base(sha256(b"weights")), rows("binary")
    program = LINEAR.replace(
        b"    rows = data.training\n",
        b"    assert data.base.read_bytes() == b'weights'\n    rows = data.training\n",
    )

    base = read_base(asked, tmp_path)

    assert train_own(asked, table[:200], table[200:], program, base=base).artifact.onnx


def test_without_a_base_there_is_no_file(tmp_path: Path) -> None:
    assert read_base(plan("binary", "own"), tmp_path) is None


def test_another_file_than_trainer_base_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"encoder\.onnx: missing, but trainer\.base names it"):
        read_base(with_base("0" * 64), tmp_path)

    (tmp_path / "encoder.onnx").write_bytes(b"weights")

    with pytest.raises(StepError, match=r"its sha256 is .*, but trainer\.base has 0000"):
        read_base(with_base("0" * 64), tmp_path)
