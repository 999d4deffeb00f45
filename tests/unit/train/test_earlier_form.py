"""Models trained when a category was a position stay readable, comparable and scorable."""

import json

import numpy as np
import pytest

from contract.artifact import Artifact
from contract.native_model import native_model
from contract.onnx_scoring import onnx_scores
from evaluate.evaluation import Evidence, Models, evaluate
from scorer.model import Model
from scorer.rows import Encoder
from shipping.record import Record
from shipping.verify import manifest
from tests.support.earlier_models import TASKS, artifact, encoding_text, frame, scored
from tests.support.training_cases import LIBRARIES, plan, rows
from train.model import train

CATEGORIES = ("apple", "lime", "mango", "pear", "plum")


@pytest.mark.parametrize("library", LIBRARIES)
def test_it_scores_as_it_did_in_its_library_and_as_onnx(library):
    asked, scores = scored(library)
    old = Artifact.unpack(artifact(library).pack(), "there")

    own = native_model(library, old.native).scores(old.encoding.matrix(frame(asked)))

    np.testing.assert_allclose(onnx_scores(old, frame(asked)), scores, rtol=1e-6)
    np.testing.assert_allclose(own.reshape(len(asked), -1), scores, rtol=1e-5)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_scoring_function_scores_it_as_it_did(library, tmp_path):
    asked, scores = scored(library)
    files = {
        "model.onnx": artifact(library).onnx,
        "encoding.json": encoding_text(library).encode(),
        "model.json": json.dumps(artifact(library).description).encode(),
    }
    record = Record(b"", {"artifact": {"uri": "s3://b/k", "version": "", "sha256": "a" * 64}})
    for name, content in {**files, "files.json": manifest(record, files)}.items():
        (tmp_path / name).write_bytes(content)

    model = Model.load(tmp_path, "a" * 64)
    encoded = Encoder(model.encoding).encode(asked)

    assert encoded.errors == []
    np.testing.assert_allclose(model.scores(encoded.matrix), scores, rtol=1e-6)
    words = {"lightgbm": "scored as '", "xgboost": "scored as missing"}[library]
    assert encoded.warnings[0]["message"].startswith("'kiwi' was rare or absent")
    assert words in encoded.warnings[0]["message"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_it_is_compared_as_a_champion_with_a_candidate_of_todays_form(library):
    task = TASKS[library]
    champion = {"run": "r-0", "package_arn": "arn", "version": 1, "model_sha256": "a" * 64}
    settings = plan(task, library, champion=champion, trainer={"min_category_rows": 3})
    parts = [rows(task, 200, seed, categories=CATEGORIES) for seed in (0, 1, 2)]
    candidate = train(settings, parts[0], parts[1]).artifact
    report = {"rows_read": 600, "rows_rejected": 0, "rows_written": {"train": 200}}
    evidence = Evidence(report, {"features": {}}, None)

    document = evaluate(settings, parts[2], Models(candidate, artifact(library)), evidence).document

    primary = settings.primary
    assert document["champion"]["metrics"][primary]["value"] is not None
    assert document["difference"][primary]["low"] is not None
    assert document["parity"]["mismatches"] == 0
