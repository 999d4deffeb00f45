"""What a request is answered."""

import json

import numpy as np
import pytest

from contract.onnx_scoring import onnx_scores
from scorer.answering import MOST_SCORES, Answer, Scorer
from scorer.golden import Golden
from tests.support.trained_releases import golden, model_folder, sent, trained
from tests.support.training_cases import rows

FRAME = {task: rows(task, 20, 5) for task in ("regression", "binary", "multiclass")}


def test_a_regression_predicts_the_value(scorers):
    answer = scorers["regression"].answer({"rows": sent(FRAME["regression"])[:2]}, "r-1")

    values = onnx_scores(trained("regression"), FRAME["regression"]).astype(float)[:, 0].tolist()
    assert answer.document == {
        "model": "shells",
        "release": 7,
        "request_id": "r-1",
        "status": 200,
        "predictions": [
            {"row": 0, "prediction": values[0]},
            {"row": 1, "prediction": values[1]},
        ],
        "errors": [],
        "warnings": [],
    }


def test_a_binary_model_decides_by_its_threshold_and_gives_the_positives_probability(scorers):
    answer = scorers["binary"].answer({"rows": sent(FRAME["binary"])}, "r-1")

    shares = onnx_scores(trained("binary"), FRAME["binary"]).astype(float)[:, 0].tolist()
    threshold = trained("binary").threshold
    assert [entry["probability"] for entry in answer.document["predictions"]] == shares
    assert [entry["prediction"] for entry in answer.document["predictions"]] == [
        "yes" if share >= threshold else "no" for share in shares
    ]
    assert {entry["prediction"] for entry in answer.document["predictions"]} == {"yes", "no"}
    assert answer.scores == shares


def test_a_multiclass_model_gives_every_class_its_probability(scorers):
    answer = scorers["multiclass"].answer({"rows": sent(FRAME["multiclass"])}, "r-1")

    shares = onnx_scores(trained("multiclass"), FRAME["multiclass"]).astype(float)
    names = ("high", "low", "mid")
    for row, entry in enumerate(answer.document["predictions"]):
        assert entry == {
            "row": row,
            "prediction": names[int(shares[row].argmax())],
            "probabilities": dict(zip(names, shares[row].tolist(), strict=True)),
        }
    np.testing.assert_array_equal(answer.scores, shares.max(axis=1))


def test_one_row_is_scored_as_rows_of_one(scorers):
    [row] = sent(FRAME["binary"])[:1]
    scorer = scorers["binary"]

    assert scorer.answer({"row": row}, "r").document == scorer.answer({"rows": [row]}, "r").document


def test_bad_rows_do_not_keep_good_ones_from_being_scored(scorers):
    good = sent(FRAME["regression"])[0]

    answer = (
        scorers["regression"].answer({"rows": [good | {"size": "abc"}, good, 5]}, "r-1").document
    )

    assert answer["status"] == 200
    assert [entry["row"] for entry in answer["predictions"]] == [1]
    assert [(error["row"], error["feature"]) for error in answer["errors"]] == [
        (0, "size"),
        (2, None),
    ]


def test_a_request_without_any_good_row_has_status_400(scorers):
    bad = sent(FRAME["regression"])[0] | {"size": "abc"}

    answer = scorers["regression"].answer({"rows": [bad]}, "r-1")

    assert (answer.document["status"], answer.document["predictions"]) == (400, [])
    assert answer.refused == 1


def test_a_request_that_leaves_out_features_is_refused_as_a_whole(scorers):
    good = sent(FRAME["regression"])[0]
    short = {"size": good["size"]}

    answer = scorers["regression"].answer({"rows": [good, short, good]}, "r-1")

    send = "is left out of row 1; send it, or null where its value is unknown"
    assert (answer.document["status"], answer.document["predictions"]) == (400, [])
    assert answer.document["errors"] == [
        {"row": None, "feature": name, "message": send} for name in ("weight", "colour")
    ]
    assert (answer.refused, list(answer.scores)) == (3, [])
    nulls = {"rows": [good, dict.fromkeys(good) | short, good]}
    assert len(scorers["regression"].answer(nulls, "r-1").document["predictions"]) == 3


@pytest.mark.parametrize(
    ("request_", "status", "message"),
    [
        ([], 400, "a request is an object with rows or row, not a list"),
        ("x", 400, "a request is an object with rows or row, not 'x'"),
        ({}, 400, "send either rows (a list of objects) or row (one)"),
        ({"row": {}, "rows": []}, 400, "send either rows (a list of objects) or row (one)"),
        ({"rows": []}, 400, "rows must be a list of at least one object"),
        ({"rows": {"a": 1}}, 400, "rows must be a list of at least one object"),
        (
            {"instances": []},
            400,
            "a request has no key 'instances'; send {'rows': [{feature: value}]} or "
            "{'row': {feature: value}}",
        ),
        (
            {"rows": [{}] * 5001},
            413,
            "5,001 rows are too many for one request; send at most 5,000 at a time",
        ),
    ],
)
def test_a_request_that_is_none_is_reported_why(scorers, request_, status, message):
    answer = scorers["regression"].answer(request_, "r-1")

    assert answer == Answer(
        {
            "model": "shells",
            "release": 7,
            "request_id": "r-1",
            "status": status,
            "predictions": [],
            "errors": [{"row": None, "feature": None, "message": message}],
            "warnings": [],
        },
        [],
        [],
        0,
    )


def test_the_largest_answer_of_any_model_fits_into_lambdas_six_megabytes(scorers):
    scorer = scorers["multiclass"]
    [row] = sent(FRAME["multiclass"])[:1]

    answer = scorer.answer({"rows": [row] * scorer.most_rows}, "r-1").document

    per_score = len(json.dumps(answer)) / (scorer.most_rows * 3)
    assert per_score * MOST_SCORES < 5_500_000


def test_a_score_that_is_no_number_is_an_error_and_never_an_answer(scorers, monkeypatch):
    scorer = scorers["regression"]

    class Broken:
        def scores(self, matrix):
            return np.array([[1.5], [np.inf], [np.nan]], np.float32)

    monkeypatch.setattr(scorer, "_model", Broken())

    answer = scorer.answer({"rows": sent(FRAME["regression"])[:3]}, "r-1")

    assert answer.document["predictions"] == [{"row": 0, "prediction": 1.5}]
    assert [error["row"] for error in answer.document["errors"]] == [1, 2]
    assert answer.scores == [1.5]


@pytest.mark.parametrize("task", FRAME)
def test_golden_records_score_as_recorded(scorers: dict[str, Scorer], task):
    known = Golden.from_json(golden(trained(task)))

    answer = scorers[task].answer(known.request(), "r-1").document

    assert known.differences(answer) == []


@pytest.mark.parametrize("part", ["scores", "native"])
@pytest.mark.parametrize("task", FRAME)
def test_a_golden_record_that_scores_otherwise_is_reported(scorers, task, part):
    document = json.loads(golden(trained(task)))
    was = document[part][3][0]
    document[part][3][0] = was + 0.01 * max(1, abs(was)) + 0.1
    known = Golden.from_json(json.dumps(document))

    [line] = known.differences(scorers[task].answer(known.request(), "r-1").document)

    whose = "release's" if part == "scores" else "library's"
    assert line.startswith(f"1 of 40 golden records differ from the {whose} scores by more than")
    assert "record 3 scores" in line


def test_golden_records_that_are_refused_or_lost_are_reported(scorers):
    known = Golden.from_json(golden(trained("binary")))
    answer = scorers["binary"].answer(known.request(), "r-1").document
    lost = answer | {"predictions": answer["predictions"][1:]}
    refused = answer | {"errors": [{"row": 4, "feature": "size", "message": "'x' is no number"}]}

    assert known.differences(lost) == ["40 golden records were sent, 39 predictions came back"]
    assert known.differences(refused) == ["golden record 4: size: 'x' is no number"]


def test_only_the_model_of_the_release_is_loaded(tmp_path):
    from scorer.model import Model, ModelError

    digest = model_folder(tmp_path / "model")

    with pytest.raises(ModelError, match=f"has the artifact {digest[:12]}…, but the release has"):
        Model.load(tmp_path / "model", "0" * 64)
    (tmp_path / "model/model.onnx").write_bytes(b"other")
    with pytest.raises(ModelError, match=r"model.onnx is not the release's \(its sha256 differs\)"):
        Model.load(tmp_path / "model", digest)
    with pytest.raises(ModelError, match="there is no model"):
        Model.load(tmp_path, digest)


@pytest.mark.parametrize("task", FRAME)
def test_many_rows_score_as_each_of_them_alone_and_in_their_order(scorers, task):
    sent_rows = sent(rows(task, 200, 8))
    scorer = scorers[task]

    together = scorer.answer({"rows": sent_rows}, "r-1").document["predictions"]

    alone = [scorer.answer({"row": row}, "r-1").document["predictions"][0] for row in sent_rows]
    assert together == [{**one, "row": at} for at, one in enumerate(alone)]
