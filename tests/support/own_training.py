"""A train.py of a model's own that needs no library: a linear model, written as ONNX by hand."""

LINEAR = b"""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

LINKS = {"regression": "Identity", "binary": "Sigmoid", "multiclass": "Softmax"}


def fit(data):
    rows = data.training
    known = np.nan_to_num(rows.matrix).astype(np.float64)
    known = np.hstack([known, np.ones((len(known), 1))])
    labels = rows.labels[:, None]
    if data.task == "multiclass":
        labels = labels == np.arange(data.outputs)
    weights = np.linalg.lstsq(known, labels.astype(np.float64), rcond=None)[0]
    width = len(data.features)
    constants = {
        "weights": weights.astype(np.float32)[:-1],
        "base": weights.astype(np.float32)[-1:],
        "none": np.zeros(1, np.float32),
    }
    nodes = [
        helper.make_node("IsNaN", ["features"], ["missing"]),
        helper.make_node("Where", ["missing", "none", "features"], ["filled"]),
        helper.make_node("MatMul", ["filled", "weights"], ["products"]),
        helper.make_node("Add", ["products", "base"], ["sums"]),
        helper.make_node(LINKS[data.task], ["sums"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", width])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", data.outputs])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    return model
"""


def linear(task: str) -> bytes:
    """The same for a fixed task, whatever the data's is."""
    return LINEAR.replace(b"LINKS[data.task]", f'LINKS["{task}"]'.encode())
