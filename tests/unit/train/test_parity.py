"""Whatever the trees look like, ONNX answers as the library does."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.native_model import native_model
from contract.onnx_scoring import onnx_scores, parity
from tests.support.training_cases import LIBRARIES, TASKS, plan
from train.model import train

# Numbers as data has them: few values, many ties, zeros of both signs, neighbours, far ones.
VALUES = st.sampled_from(
    [None, 0.0, -0.0, 1e-38, 1.0, float(np.nextafter(np.float32(1), np.float32(2))), -2.5, 1e30]
)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("task", TASKS)
@given(data=st.data())
@settings(max_examples=8)
def test_onnx_takes_the_librarys_path(task, library, data):
    count = 60
    column = st.lists(VALUES, min_size=count, max_size=count)
    frame = pl.DataFrame(
        {name: pl.Series(data.draw(column), dtype=pl.Float32) for name in ("a", "b")}
    )
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    classes = {"binary": ["no", "yes"], "multiclass": ["x", "y", "z"]}.get(task)
    target = random.choice(classes, count) if classes else random.normal(size=count)
    frame = frame.with_columns(target=pl.Series(target))
    parameters = {
        "lightgbm": {"min_data_in_leaf": 1, "min_data_in_bin": 1},
        "xgboost": {"max_depth": 5, "min_child_weight": 0},
    }[library]
    learned = plan(
        task, library, features={"a": "numeric", "b": "numeric"}, parameters=parameters, rounds=8
    )
    asked = pl.concat([frame, frame.with_columns(a=None, b=pl.col("a")).cast(frame.schema)])

    artifact = train(learned, frame, frame).artifact
    native = native_model(library, artifact.native).scores(artifact.encoding.matrix(asked))

    found = parity(task, onnx_scores(artifact, asked).astype(np.float64), native)
    assert found.largest_difference < 1e-5
