"""Imputation, scaling, main components and a logistic regression, as one ONNX graph."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

# Not newer than what the scorer's ONNX Runtime knows.
OPSET = {"": 17, "ai.onnx.ml": 3}


def fit(data):
    """The model as ONNX, and what scikit-learn itself predicts: Kanmon compares the two."""
    numeric = [at for at, name in enumerate(data.features) if name not in data.categories]
    named = [at for at, name in enumerate(data.features) if name in data.categories]
    parameters = data.trainer.parameters
    prepared = ColumnTransformer(
        [
            ("numeric", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numeric),
            ("named", OneHotEncoder(handle_unknown="ignore", sparse_output=False), named),
        ]
    )
    model = make_pipeline(
        prepared,
        PCA(int(parameters["components"]), random_state=data.trainer.seed),
        LogisticRegression(C=float(parameters["strength"]), max_iter=1000),
    )
    rows = data.training
    model.fit(rows.matrix, rows.labels.astype(int), logisticregression__sample_weight=rows.weights)
    graph = to_onnx(
        model, rows.matrix[:1], target_opset=OPSET, options={"zipmap": False}, name="linear"
    )
    return as_scores(graph), lambda matrix: model.predict_proba(matrix)[:, 1:]


def as_scores(graph):
    """The graph with the input and the output that Kanmon asks for: of the probabilities of both
    classes, that of the positive one."""
    for node in graph.graph.node:
        node.input[:] = ["features" if name == "X" else name for name in node.input]
    graph.graph.input[0].name = "features"
    positive = numpy_helper.from_array(np.array([1], np.int64), "positive")
    graph.graph.initializer.append(positive)
    gather = helper.make_node("Gather", ["probabilities", "positive"], ["scores"], axis=1)
    graph.graph.node.append(gather)
    del graph.graph.output[:]
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 1])
    graph.graph.output.append(scores)
    return graph
