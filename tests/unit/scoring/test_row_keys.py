"""A request may send the columns of the model's key. They come back, and are no features."""

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from contract.plan import Feature
from observed.captured import read
from reading.source import SourceFile
from scorer.answering import LONGEST_KEY
from scorer.capture import Capture
from scorer.model import Model
from scorer.schema import answer_schema, row_schema
from scorer.web import Website
from tests.support.trained_releases import CONTEXT, FEATURES, model_folder, scorer, sent
from tests.support.training_cases import plan, rows

ROWS = sent(rows("binary", 3, 5))
KEY = ("shell", "site")


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    return scorer(tmp_path_factory.mktemp("keyed"), "binary", FEATURES, KEY)


@pytest.fixture(scope="module")
def featured(tmp_path_factory):
    """A model whose key is a feature."""
    return scorer(tmp_path_factory.mktemp("featured"), "binary", FEATURES, ("colour",))


def answered(scorer, rows):
    return scorer.answer({"rows": rows}, "r-1").document


def test_a_row_key_comes_back_with_the_prediction_and_changes_nothing_else(keyed):
    plain = answered(keyed, ROWS)
    sent_keys = [{"shell": 17, "site": "north"}, {"site": None}, {}]

    answer = answered(keyed, [key | row for key, row in zip(sent_keys, ROWS, strict=True)])

    assert [entry.pop("key", {}) for entry in answer["predictions"]] == sent_keys
    assert answer == plain


def test_the_key_is_named_right_after_the_row(keyed):
    [entry] = answered(keyed, [{"shell": "a", **ROWS[0]}])["predictions"]

    assert list(entry) == ["row", "key", "prediction", "probability"]


def test_a_row_key_comes_back_where_other_rows_are_refused(keyed):
    bad = {**ROWS[1], "shell": 2, "size": "big"}

    answer = answered(keyed, [bad, {**ROWS[0], "shell": 1}])

    assert [(entry["row"], entry["key"]) for entry in answer["predictions"]] == [(1, {"shell": 1})]
    assert [error["feature"] for error in answer["errors"]] == ["size"]


@pytest.mark.parametrize("key", [[1], {"a": 1}, "x" * (LONGEST_KEY + 1), 10**100, float("nan")])
def test_what_can_be_no_key_is_left_out_with_a_warning_and_the_row_is_scored(keyed, key):
    answer = answered(keyed, [{**ROWS[0], "shell": key, "site": 1}])

    assert [entry["key"] for entry in answer["predictions"]] == [{"site": 1}]
    assert [(one["row"], one["feature"]) for one in answer["warnings"]] == [(0, "shell")]
    assert answer["errors"] == []


def test_a_key_that_is_a_feature_is_both(featured, scorers):
    answer = answered(featured, ROWS)

    assert [entry.pop("key") for entry in answer["predictions"]] == [
        {"colour": row["colour"]} for row in ROWS
    ]
    assert answer == answered(scorers["binary"], ROWS)


def test_a_misspelled_feature_is_refused_as_before(keyed):
    answer = answered(keyed, [{**ROWS[0], "shells": 1}])

    assert [(error["feature"], error["message"]) for error in answer["errors"]] == [
        ("shells", "is not a feature of this model; its features are size, weight, colour")
    ]


def test_a_package_of_an_earlier_version_has_no_key_and_nothing_private(tmp_path):
    digest = model_folder(tmp_path / "model", "binary", FEATURES, key=KEY)
    manifest = json.loads((tmp_path / "model/files.json").read_text())
    del manifest["key"], manifest["private"]
    (tmp_path / "model/files.json").write_text(json.dumps(manifest))

    model = Model.load(tmp_path / "model", digest)

    assert (model.key, model.private) == ((), frozenset())


def test_the_schemas_have_the_key_and_do_not_require_it(keyed):
    row, answer = row_schema(keyed.encoding, keyed.key), answer_schema(keyed.encoding, keyed.key)
    validator = Draft202012Validator(row)

    for given in (ROWS[0], {**ROWS[0], "shell": 1}, {**ROWS[0], "shell": "a", "site": None}):
        assert validator.is_valid(given)
        Draft202012Validator(answer).validate(answered(keyed, [given]))
    assert not validator.is_valid({**ROWS[0], "town": 1})
    predictions = answer_schema(keyed.encoding)["properties"]["predictions"]
    assert "key" not in predictions["items"]["properties"]


def test_both_documents_of_the_function_url_have_the_key(keyed):
    website = Website(lambda request, name: keyed.answer(request, name).document, keyed)

    def get(path):
        http = {"http": {"method": "GET", "path": path}, "stage": "$default"}
        event = {"version": "2.0", "rawPath": path, "rawQueryString": "", "headers": {}}
        return json.loads(website.serve(event | {"requestContext": http}, CONTEXT)["body"])

    schemas = get("/openapi.json")["components"]["schemas"]
    assert set(KEY) < set(get("/schema")["properties"])
    assert set(KEY) < set(schemas["Row"]["properties"])
    prediction = schemas["Answer"]["properties"]["predictions"]["items"]
    assert set(prediction["properties"]["key"]["properties"]) == set(KEY)


@pytest.fixture
def captured(monkeypatch):
    """The lines that a scorer's answer to rows is captured as."""
    import boto3

    written = []

    class Client:
        def put_object(self, Bucket, Key, Body):  # noqa: N803
            written.extend(map(json.loads, Body.splitlines()))

    monkeypatch.setattr(boto3, "client", lambda _service: Client())

    def captured(scorer, rows, left_out):
        capture = Capture("data", "capture/shells/7", 1, left_out)
        capture.offer(scorer.answer({"rows": rows}, "r-1"), "r-1")
        capture.wait()
        return written

    return captured


def test_a_capture_has_the_key_by_itself_and_no_private_feature(tmp_path, captured):
    features = [entry | {"private": entry["name"] == "weight"} for entry in FEATURES]
    digest = model_folder(tmp_path / "model", "binary", features, key=("shell", "colour"))
    model = Model.load(tmp_path / "model", digest)
    both = scorer(tmp_path / "scorer", "binary", FEATURES, ("shell", "colour"))

    [line] = captured(both, [{"shell": 17, **ROWS[0]}], model.not_captured)

    assert line["key"] == {"shell": 17, "colour": ROWS[0]["colour"]}
    assert line["features"] == {name: ROWS[0][name] for name in ("size", "colour")}
    assert [line[name] for name in ("request_id", "row", "release")] == ["r-1", 0, 7]


def test_what_is_captured_is_what_is_read(keyed, captured, tmp_path):
    features = (
        Feature("size", "numeric"),
        Feature("weight", "numeric"),
        Feature("colour", "categorical"),
    )
    lines = captured(keyed, [{"shell": 17, **row} for row in ROWS], {"shell", "site"})
    (tmp_path / "0").write_text("\n".join(map(json.dumps, lines)))
    reading = replace(plan("binary"), features=features, key=KEY)

    found = read([SourceFile(tmp_path / "0", "dt=2026-11-01/1.jsonl")], reading)

    scored = keyed.answer({"rows": ROWS}, "r-1").document["predictions"]
    chosen = ["__key_0", "__key_1", "size", "weight", "colour", "prediction", "probability"]
    assert found.damage.count == 0
    assert found.rows.select(chosen).rows() == [
        ("17", None, *row.values(), one["prediction"], one["probability"])
        for row, one in zip(ROWS, scored, strict=True)
    ]


def test_all_that_comes_from_a_private_date_is_left_out(tmp_path):
    part = {"name": "month", "kind": "numeric", "derive": {"column": "born", "part": "month"}}
    digest = model_folder(tmp_path / "model", "binary", [*FEATURES, part | {"private": True}])

    assert Model.load(tmp_path / "model", digest).private == {"born"}
