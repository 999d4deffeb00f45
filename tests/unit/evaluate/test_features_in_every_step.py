"""A model with features.py from its files to the scorer: each step computes the same."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from contract.features import Features
from contract.plan import Feature
from evaluate.evaluation import BATCH_ONLY, Evidence, Models, evaluate
from kanmon.scoring import online
from preprocess.pipeline import preprocess
from reading.source import SourceFile
from scorer import answering
from scorer.answering import Scorer
from scorer.golden import Golden
from scorer.model import Model
from scorer.schema import row_schema
from tests.support.trained_releases import MODEL, RELEASE, laid_out
from tests.support.training_cases import plan
from train.model import train

INPUTS = (
    Feature("length", "numeric", minimum=0),
    Feature("height", "numeric"),
    Feature("sex", "categorical"),
)
RATIO = b"""
import polars as pl

def features(frame):
    big = pl.when(pl.col("length") > 5).then(pl.lit("big")).otherwise(pl.lit("small"))
    return frame.with_columns(ratio=pl.col("length") / pl.col("height"), size=big)
"""
PRODUCT = RATIO.replace(b'length") / pl', b'length") * pl')
FEATURES = (
    Feature("ratio", "numeric"),
    Feature("size", "categorical"),
    Feature("sex", "categorical"),
)
PLAN = replace(
    plan("regression", trainer={"max_categories": 10}),
    inputs=INPUTS,
    features=FEATURES,
    segments=("sex", "size", "height"),
)
# What it learns from without features.py.
PLAIN = replace(PLAN, inputs=(), features=INPUTS, segments=("sex",))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    random = np.random.default_rng(5)
    length, height = random.uniform(1, 10, (2, 400)).round(3)
    sex = random.choice(["M", "F", "1.0"], 400)
    frame = pl.DataFrame(
        {"length": length, "height": height, "sex": sex, "target": length / height}
    )
    path = tmp_path_factory.mktemp("data") / "rows.csv"
    frame.write_csv(path)
    return path


@pytest.fixture
def prepared(file, tmp_path):
    """Preprocess the file by a plan; the outcome, and the rows by part."""

    def prepared(run, code=None, **options):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))

        def output(part):
            (folder / part).mkdir(parents=True, exist_ok=True)
            return folder / part

        outcome = preprocess(
            run, [SourceFile(file, "rows.csv")], output, folder, code=code, **options
        )
        parts = ("train", "validation", "test")
        return outcome, {part: pl.read_parquet(folder / part / "*.parquet") for part in parts}

    return prepared


def features(source=RATIO, run=PLAN):
    inputs, computed = (
        {each.name: each.kind for each in part} for part in (run.inputs, run.features)
    )
    return Features(source, inputs, computed)


def model(run, parts, code=None):
    return train(run, parts["train"], parts["validation"], code).artifact


def evaluated(run, outcome, parts, candidate, champion=None):
    written = {"rows_read": outcome.rows_read, "rows_rejected": 0, "rows_written": outcome.written}
    evidence = Evidence(written, outcome.baseline, outcome.baseline)
    about = {"run": "r-0", "package_arn": "arn:x", "version": 3}
    run = replace(run, champion=about if champion else None)
    return evaluate(run, parts["test"], Models(candidate, champion), evidence)


def test_parts_have_inputs_and_features_and_the_baseline_is_of_the_features(prepared):
    outcome, parts = prepared(PLAN, features())

    rows = parts["test"]
    assert rows.columns == ["__row", "length", "height", "sex", "ratio", "size", "target"]
    assert rows.schema["length"] == pl.Float64
    assert rows.schema["ratio"] == pl.Float32
    assert rows["ratio"].to_list() == (rows["length"] / rows["height"]).cast(pl.Float32).to_list()
    assert set(rows["sex"]) == {"M", "F", "1"}
    assert list(outcome.baseline["features"]) == ["ratio", "size", "sex"]
    assert outcome.split["columns"] == ["height", "length", "sex"]


def test_adding_features_py_or_changing_it_moves_no_row(prepared):
    without = prepared(PLAIN)[1]
    ratio, product = (prepared(PLAN, features(source))[1] for source in (RATIO, PRODUCT))

    for part, rows in without.items():
        assert rows["__row"].to_list() == ratio[part]["__row"].to_list()
        assert rows["__row"].to_list() == product[part]["__row"].to_list()


def test_several_hosts_leave_empty_parts_with_the_types_of_the_others(prepared):
    whole = replace(PLAN, split=replace(PLAN.split, train=1, validation=0, test=0))

    _, parts = prepared(whole, features(), host=(0, 2))

    assert parts["test"].height == 0
    assert parts["test"].schema == parts["train"].schema


def test_candidate_and_champion_compute_their_own_features_from_the_same_rows(prepared):
    outcome, parts = prepared(PLAN, features())
    candidate = model(PLAN, parts, features())
    plain = model(PLAIN, prepared(PLAIN)[1])
    earlier = model(PLAN, prepared(PLAN, features(PRODUCT))[1], features(PRODUCT))

    against = {
        name: evaluated(PLAN, outcome, parts, candidate, champion)
        for name, champion in (("plain", plain), ("earlier", earlier), ("same", candidate))
    }

    documents = {name: found.document for name, found in against.items()}
    assert [found["champion"].get("obstacle") for found in documents.values()] == [None] * 3
    digests = [found["champion"].get("features_py") for found in documents.values()]
    assert digests == [None, features(PRODUCT).sha256, features().sha256]
    assert documents["same"]["difference"]["rmse"]["value"] == 0
    assert documents["earlier"]["difference"]["rmse"]["value"] < 0
    warned = [name for name, one in documents.items() if BATCH_ONLY in one["data"]["warnings"]]
    assert warned == ["plain"]
    for document in documents.values():
        assert document["candidate"]["features_py"] == features().sha256
        assert document["parity"]["mismatches"] == 0
        assert {one["column"] for one in document["segments"]} == {"sex", "size", "height"}
        assert {one["feature"] for one in document["importance"]} == {"ratio", "size", "sex"}
    (record, *_) = against["same"].golden["rows"]
    assert list(record) == ["ratio", "size", "sex"]


def test_a_champion_with_features_py_is_compared_with_a_candidate_without(prepared):
    champion = model(PLAN, prepared(PLAN, features())[1], features())
    outcome, parts = prepared(PLAIN)

    found = evaluated(PLAIN, outcome, parts, model(PLAIN, parts), champion).document

    assert "obstacle" not in found["champion"]
    assert found["champion"]["metrics"]["rmse"]["value"] < 1


def test_a_column_that_only_features_py_computes_is_no_column_of_the_data(prepared):
    """The champion learned from a column `ratio` of the data, which this run's data has not."""
    outcome, parts = prepared(PLAN, features())
    learned = replace(PLAIN, features=(Feature("ratio", "numeric"), Feature("sex", "categorical")))
    champion = model(learned, parts)

    found = evaluated(PLAN, outcome, parts, model(PLAN, parts, features()), champion).document

    assert "the rows to score have no column 'ratio'" in found["champion"]["obstacle"]


def test_numbers_that_are_not_finite_are_a_warning_of_the_run(prepared):
    divided = RATIO.replace(b'pl.col("height")', b'(pl.col("height") * (pl.col("sex") != "M"))')

    outcome, parts = prepared(PLAN, features(divided))

    missing = sum(rows["ratio"].null_count() for rows in parts.values())
    assert missing == sum((rows["sex"] == "M").sum() for rows in parts.values())
    words = f"features.py computed no finite number in {missing} rows; that counts as missing"
    assert outcome.warnings[0] == f"ratio: {words}"


@pytest.fixture
def scorer(prepared, tmp_path):
    outcome, parts = prepared(PLAN, features())
    artifact = model(PLAN, parts, features())
    golden = evaluated(PLAN, outcome, parts, artifact).golden
    digest = laid_out(tmp_path / "model", artifact.pack(), json.dumps(golden).encode())
    loaded = Model.load(tmp_path / "model", digest)
    return Scorer(loaded, MODEL, RELEASE), Golden.from_json(json.dumps(golden))


def test_online_only_the_checks_of_a_release_are_answered(scorer):
    scorer, golden = scorer
    line = answering.BATCH_ONLY.format(model=MODEL)

    assert golden.differences(scorer.answer(golden.request(), "r-1").document) == []
    for request in ({"rows": list(golden.rows)}, {"row": golden.rows[0], "check": "yes"}, {}):
        answer = scorer.answer(request, "r-2").document
        assert (answer["status"], answer["predictions"]) == (400, [])
        assert answer["errors"] == [{"row": None, "feature": None, "message": line}]
    assert row_schema(scorer.encoding, refusal=scorer.batch_only)["description"] == line
    assert "kanmon score-batch shells" in line
    assert online.BATCH_ONLY == answering.BATCH_ONLY
