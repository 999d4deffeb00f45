"""What Evaluate makes of a model of an own train step."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from contract.artifact import Artifact
from contract.step import StepError
from core.gate.rules import _parity
from evaluate.__main__ import check_own, recorded_sha256
from evaluate.evaluation import Evidence, Models, evaluate
from tests.support.own_training import LINEAR
from tests.support.training_cases import plan, rows
from train.own import train_own

TABLE = rows("binary")


def trained(program: bytes = LINEAR) -> Artifact:
    return train_own(plan("binary", "own"), TABLE[:200], TABLE[200:], program).artifact


def evaluated(artifact: Artifact) -> dict:
    counts = {"train": 200, "validation": 50, "test": 100}
    report = {"rows_read": 300, "rows_rejected": 0, "rows_written": counts}
    asked = plan("binary", "own")
    return evaluate(asked, TABLE[200:], Models(artifact), Evidence(report, {}, None)).document


def test_it_is_compared_with_itself_row_by_row() -> None:
    document = evaluated(trained())

    assert document["parity"]["alone"] is True
    assert (document["parity"]["rows"], document["parity"]["mismatches"]) == (100, 0)
    assert _parity(document).words == (
        "the ONNX model answers the same for a row alone as among others, on all 100 rows"
    )


def test_a_graph_whose_scores_depend_on_other_rows_does_not_pass() -> None:
    program = LINEAR.replace(
        b'helper.make_node("Add", ["products", "base"], ["sums"]),',
        b'helper.make_node("ReduceMean", ["products"], ["mean"], axes=[0], keepdims=1),\n'
        b'        helper.make_node("Sub", ["products", "mean"], ["sums"]),',
    )

    document = evaluated(trained(program))

    assert document["parity"]["mismatches"] > 50
    assert _parity(document).outcome == "reject"


def test_a_graph_that_no_scorer_can_run_is_refused_before_it_is_judged() -> None:
    artifact = trained()

    asked = plan("binary", "own")
    check_own(asked, artifact)
    with pytest.raises(StepError, match=r"model\.onnx cannot be loaded by ONNX Runtime"):
        check_own(asked, replace(artifact, onnx=b"weights"))
    with pytest.raises(StepError, match="names the library own and must name lightgbm"):
        check_own(plan("binary", "lightgbm"), artifact)


@pytest.mark.parametrize(
    ("key", "other"),
    [("task", "regression"), ("target", "z"), ("positive", "maybe"), ("features", ())],
)
def test_an_encoding_of_another_definition_is_refused(key: str, other: object) -> None:
    artifact = trained()
    changed = replace(artifact, encoding=replace(artifact.encoding, **{key: other}))

    with pytest.raises(StepError, match=f"encoding.json has other '{key}' than the run's"):
        check_own(plan("binary", "own"), changed)


@pytest.mark.parametrize("text", ["{}", "[]", '{"model_sha256": 7}'])
def test_a_record_without_the_models_digest_says_what_to_write(tmp_path: Path, text: str) -> None:
    (tmp_path / "training.json").write_text(text)

    with pytest.raises(StepError, match=r"no model_sha256; write the SHA-256 of model\.tar\.gz"):
        recorded_sha256(tmp_path)


@pytest.mark.parametrize("changed", [7, [], {"features": 3}, {"features": [4]}])
def test_an_encoding_of_another_form_is_one_line(changed: object) -> None:
    artifact = trained()
    good = json.loads(artifact.encoding.to_json())
    encoding = json.dumps({**good, **changed} if isinstance(changed, dict) else changed)
    files = {
        "model.onnx": artifact.onnx,
        "encoding.json": encoding.encode(),
        "model.json": json.dumps(dict(artifact.description)).encode(),
    }

    with pytest.raises(StepError, match=r"model\.tar\.gz: (not a readable model|the model has no)"):
        Artifact.unpack(packed(files), "model.tar.gz")


def packed(files: dict[str, bytes]) -> bytes:
    """A model.tar.gz as an image of another kind may write it."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()
