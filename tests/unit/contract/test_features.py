"""features.py: what may be in it, what it may return, and that it computes row by row."""

import hashlib
import io
import tarfile
from dataclasses import replace
from textwrap import dedent

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import features as contract_features
from contract.artifact import Artifact
from contract.encoding import Encoding
from contract.feature_file import problems
from contract.features import Features, folder_sha256
from contract.plan import Feature
from contract.step import StepError
from core.definition.folder import folder_digest
from tests.support.training_cases import plan

INPUTS = {"length": "numeric", "height": "numeric", "sex": "categorical"}
ROWS = pl.DataFrame(
    {"length": [2.0, 3.0, None, 5.0], "height": [1.0, 2.0, 3.0, 0.0], "sex": ["M", "F", None, "I"]}
)
RATIO = "(pl.col('length') / pl.col('height')).alias('ratio')"
few = settings(max_examples=30)


def code(body, **features):
    """A features.py whose function returns this expression of the frame."""
    source = f"import polars as pl\n\n\ndef features(frame):\n    return {body}\n"
    return Features(source.encode(), INPUTS, features or {"ratio": "numeric"})


def refusal(features, frame=ROWS):
    with pytest.raises(StepError) as caught:
        features.add(frame)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_computed_features_join_the_inputs_and_what_is_not_finite_is_missing():
    features = code(f"frame.with_columns({RATIO})", length="numeric", ratio="numeric")

    found = features.add(ROWS)

    assert found.to_dict(as_series=False) == ROWS.to_dict(as_series=False) | {
        "ratio": [2.0, 1.5, None, None]
    }
    assert found.schema["ratio"] == pl.Float32
    assert features.warnings() == [
        "ratio: features.py computed no finite number in 1 row; that counts as missing"
    ]


def test_a_category_is_one_text_as_in_the_data():
    answer = "frame.select(whole=pl.lit('1.0'), code=pl.col('height').cast(pl.Int32) * 10)"
    found = code(answer, whole="categorical", code="categorical").add(ROWS)

    assert found["whole"].to_list() == ["1"] * 4
    assert found["code"].to_list() == ["10", "20", "30", "0"]


def test_rows_without_a_row_have_the_features_too():
    assert code(f"frame.select({RATIO})").add(ROWS.clear()).schema["ratio"] == pl.Float32


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("frame.lazy()", "returned a LazyFrame, not a polars DataFrame; add .collect()"),
        ("None", "returned a NoneType, not a polars DataFrame; return one"),
        ("frame.head(3)", "got 4 rows and returned 3; return one row for each row"),
        ("frame", "did not return the feature 'ratio'; return a column of that name"),
        (
            f"frame.select({RATIO}, pl.col('length') * 2)",
            "changed the input 'length'; give the feature a name of its own",
        ),
        (
            f"frame.select({RATIO}, other=1)",
            "returned the column 'other', which is no feature of model.yaml; declare it there",
        ),
        (
            "frame.select(ratio=pl.col('sex'))",
            "'ratio' is numeric in model.yaml, but features returned it as String; return numbers",
        ),
        ("frame.select('nothing')", "features.py line 5: ColumnNotFoundError: "),
        ("1 / 0", "features.py line 5: ZeroDivisionError: division by zero; correct features.py"),
    ],
)
def test_what_is_no_frame_of_the_features_is_refused_in_one_line(body, words):
    assert words in refusal(code(body))


def test_the_frame_of_the_caller_stays_as_it_was_when_the_function_changes_its_own():
    source = dedent("""
        def features(frame):
            frame.insert_column(0, frame["length"].alias("ratio"))
            frame.drop_in_place("length")
            return frame
    """)
    frame = ROWS.clone()

    found = Features(source.encode(), INPUTS, {"ratio": "numeric"}).add(frame)

    assert found["ratio"].to_list() == ROWS["length"].to_list()
    assert frame.equals(ROWS)


def test_a_missing_column_and_one_of_another_kind_are_named():
    features = code(f"frame.select({RATIO})")

    assert "have no column 'height', which features.py" in refusal(features, ROWS.drop("height"))
    text = ROWS.with_columns(pl.col("height").cast(pl.String))
    assert "'height' is String, but features.py of the model reads it as numeric" in refusal(
        features, text
    )


BY_ROW = [
    "pl.col('length') / pl.col('height')",
    "pl.col('length').log1p() - 2 * pl.col('height').fill_null(-1)",
    "pl.when(pl.col('sex') == 'M').then(pl.col('length')).otherwise(pl.col('height'))",
    "pl.max_horizontal('length', 'height')",
    "pl.col('sex').str.len_chars()",
]
BY_FRAME = [
    "pl.col('length') - pl.col('length').mean()",
    "pl.col('length').rank()",
    "pl.col('length').shift(1)",
    "pl.col('length').cum_sum()",
    "pl.col('length').reverse()",
    "pl.col('length').sort()",
    "pl.col('length').shuffle()",
    "pl.col('length').mean().over('sex')",
    "pl.int_range(pl.len())",
    "pl.lit(pl.Series(range(frame.height)))",
]
numbers = st.floats(-1e6, 1e6, width=32) | st.none()
frames = st.lists(st.tuples(numbers, numbers, st.sampled_from(["M", "F", None])), max_size=40)


def framed(rows):
    schema = {"length": pl.Float64, "height": pl.Float64, "sex": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.mark.parametrize("expression", BY_ROW)
@given(frames, st.integers(1, 7))
@few
def test_what_is_computed_by_row_is_the_same_in_batches_of_any_size(expression, rows, size):
    features, frame = code(f"frame.select(ratio={expression})"), framed(rows)

    whole = features.add(frame)

    parts = [features.add(frame.slice(at, size)) for at in range(0, frame.height, size)]
    assert pl.concat([whole.clear(), *parts]).equals(whole)


@pytest.mark.parametrize("expression", BY_FRAME)
@given(st.lists(st.floats(1, 1e6, width=32), min_size=12, max_size=60, unique=True), st.data())
@few
def test_what_depends_on_other_rows_is_refused(expression, lengths, data):
    # In no order: an ascending column is its own sorted column.
    lengths = [*sorted(lengths)[1::2], *sorted(lengths)[::2]]
    sexes = data.draw(st.lists(st.just("M"), min_size=len(lengths), max_size=len(lengths)))
    frame = framed([(one, 1.0, sex) for one, sex in zip(lengths, sexes, strict=True)])

    words = refusal(code(f"frame.select(ratio={expression})"), frame)

    assert "'ratio' of a row depends on other rows or on chance" in words


@pytest.mark.parametrize("odd", [1, 777, 998])
def test_a_single_row_that_depends_on_its_neighbour_is_found_wherever_it_is(odd):
    frame = framed([(float(number), 1.0, "M") for number in range(1000)])
    before = "pl.col('length').shift(1).fill_null(-1.0)"
    one = f"pl.when(pl.col('length') == {odd}).then({before}).otherwise(pl.col('length'))"

    words = refusal(code(f"frame.select(ratio={one})"), frame)

    assert "'ratio' of a row depends on other rows or on chance" in words


def test_a_later_batch_is_looked_at_too(monkeypatch):
    monkeypatch.setattr(contract_features, "BATCH_ROWS", 50)
    lengths = [1.0] * 50 + [float(number) for number in range(50)]
    frame = framed([(one, 1.0, "M") for one in lengths])
    mean = code("frame.select(ratio=pl.col('length') - pl.col('length').mean())")

    assert "depends on other rows" in refusal(mean, frame)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def features(frame):\n    return (", "line 2: is not Python: '(' was never closed"),
        ("def feature(frame):\n    return frame", "line 1: defines no function features; write"),
        ("def features():\n    return 1", "line 1: features must take one argument, the frame"),
        ("def features(frame, more):\n    return 1", "features must take one argument"),
        ("async def features(frame):\n    return 1", "line 1: features is asynchronous"),
        ("def features(f): pass\ndef features(f): pass", "line 2: defines features a second time"),
        ("import helpers\ndef features(f): pass", "line 1: cannot import helpers, only polars"),
        ("def features(f):\n    from os import path", "line 2: cannot import os, only polars"),
        ("from . import more\ndef features(f): pass", "line 1: cannot import ., only polars"),
        ("def features(f):\n    return open(f)", "line 2: cannot use open: features follow from"),
        ("\0", "is not Python"),
        ("(" * 5000, "is not Python"),
    ],
)
def test_a_file_that_cannot_be_run_is_refused_before_it_is_published(source, words):
    found = problems(source.encode(), "models/rings/features.py")

    assert any(words in problem for problem in found)
    assert all(problem.startswith("models/rings/features.py ") for problem in found)
    with pytest.raises(StepError):
        Features(source.encode(), INPUTS, {"ratio": "numeric"})


def test_a_file_that_is_not_text_or_fails_when_it_is_run_is_named():
    good = b"import polars as pl\nimport math\nfrom polars import col\ndef features(f): return f"
    assert problems(good) == []
    assert problems(b"\xff") == ["features.py is not UTF-8 text (byte 0); save it as UTF-8"]
    with pytest.raises(StepError, match=r"features.py line 2: NameError: name 'x' is not defined"):
        Features(b"def features(frame): return frame\nx", INPUTS, {"ratio": "numeric"})


@given(st.text(max_size=80))
@few
def test_any_text_is_judged_without_an_error(text):
    assert isinstance(problems(text.encode("utf-8", "replace")), list)


def test_the_folder_is_the_published_one_or_is_refused(tmp_path):
    source = b"def features(frame): return frame.select(ratio='length')"
    files = {"model.yaml": b"name: rings", "features.py": source}
    files |= {"gather.sql": b"SELECT 1", "gather.py": b"def gather(folder, secret): ..."}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    digest = folder_digest(files)
    run = replace(
        plan("regression"),
        inputs=(Feature("length", "numeric"),),
        features=(Feature("ratio", "numeric"),),
        definition_sha256=digest,
    )

    found = Features.of(run, tmp_path)

    assert folder_sha256(tmp_path) == digest
    assert found is not None
    assert found.sha256 == hashlib.sha256(source).hexdigest()
    assert Features.of(plan("regression"), tmp_path) is None
    (tmp_path / "features.py").write_bytes(source + b"\n")
    with pytest.raises(StepError, match="not the published file"):
        Features.of(run, tmp_path)
    (tmp_path / "features.py").unlink()
    with pytest.raises(StepError, match=r"missing, but model\.yaml has inputs"):
        Features.of(run, tmp_path)


@pytest.fixture
def artifact():
    features = code(f"frame.select({RATIO})", ratio="numeric", sex="categorical")
    run = replace(
        plan("regression", target="height"),
        inputs=tuple(Feature(name, kind) for name, kind in INPUTS.items()),
        features=(Feature("ratio", "numeric"), Feature("sex", "categorical")),
    )
    encoding = Encoding.learn(features.add(ROWS), run)
    description = {"library": "lightgbm", "threshold": None}
    return Artifact(b"native", b"onnx", encoding, description, features)


def test_the_artifact_carries_the_file_and_scores_the_columns_of_the_data(artifact):
    packed = artifact.pack()

    read = Artifact.unpack(packed, "model.tar.gz")

    assert read.pack() == packed
    assert read.columns == ("length", "height", "sex")
    assert (read.code.sha256, read.code.inputs) == (artifact.code.sha256, INPUTS)
    assert read.matrix(ROWS)[:2].tolist() == [[2.0, 2.0], [1.5, 0.0]]
    assert read.description == artifact.description


def test_an_artifact_with_another_file_or_none_is_refused(artifact):
    with tarfile.open(fileobj=io.BytesIO(artifact.pack())) as archive:
        files = {entry.name: archive.extractfile(entry).read() for entry in archive}

    def packed(files):
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode="w:gz") as archive:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        return written.getvalue()

    source = files.pop("features.py")
    with pytest.raises(StepError, match=r"the model has no 'features\.py'; train it again"):
        Artifact.unpack(packed(files), "model.tar.gz")
    with pytest.raises(StepError, match=r"features\.py in it is not the one it was trained with"):
        Artifact.unpack(packed(files | {"features.py": source + b"\n"}), "model.tar.gz")
