"""A logistic regression by Newton's method, in numpy alone, written as an ONNX graph."""

import sys
import traceback

import numpy as np
from files import MESSAGE, ROOT, definition, encoded, labels, learn_encoding, rows, write_model
from onnx import TensorProto, helper, numpy_helper


def main():
    """Train, and write what Kanmon judges and serves."""
    if (ROOT / "input" / "report" / "census.json").exists():
        raise ValueError("rows of several hosts are not checked here; prepare them on one host")
    content = definition()
    if content["task"] != "binary":
        raise ValueError(f"task {content['task']} is not learned here; use binary")
    training, validation = rows("train"), rows("validation")
    encoding = learn_encoding(content, training)
    shape = Shape(encoding, encoded(encoding, training))
    settings = content["trainer"]["parameters"]
    weights = newton(
        shape.inputs(encoded(encoding, training)),
        labels(encoding, training),
        float(settings["penalty"]),
        int(settings["steps"]),
    )
    truth = labels(encoding, validation)
    scores = sigmoid(shape.inputs(encoded(encoding, validation)) @ weights)
    threshold = float(np.median(scores[truth == 1])) if truth.any() else 0.5
    lost = -np.log(np.where(truth == 1, scores, 1 - scores).clip(1e-15)).mean()
    write_model(
        shape.graph(weights).SerializeToString(), encoding, threshold, {"log_loss": float(lost)}
    )
    print(f"trained on {training.height} rows, log loss {lost:.4f} on {validation.height} others")


class Shape:
    """How the matrix becomes the inputs of the regression: in numpy, and the same in the graph."""

    def __init__(self, encoding, matrix):
        kinds = [feature["kind"] for feature in encoding["features"]]
        self.width = len(kinds)
        self.numeric = np.array([at for at, kind in enumerate(kinds) if kind == "numeric"])
        self.named = np.array([at for at, kind in enumerate(kinds) if kind == "categorical"])
        self.depth = max(len(feature["categories"]) for feature in encoding["features"]) + 2
        self.mean = np.nan_to_num(np.nanmean(matrix[:, self.numeric], axis=0))
        deviation = np.nanstd(matrix[:, self.numeric], axis=0)
        self.scale = np.where(deviation > 0, deviation, 1).astype(np.float32)

    def inputs(self, matrix):
        """Missing numbers as the mean, numbers scaled, each category a column, and a constant."""
        numbers = matrix[:, self.numeric]
        numbers = (np.where(np.isnan(numbers), self.mean, numbers) - self.mean) / self.scale
        named = np.eye(self.depth)[matrix[:, self.named].astype(int)].reshape(len(matrix), -1)
        return np.hstack([numbers, named, np.ones((len(matrix), 1))]).astype(np.float64)

    def graph(self, weights):
        """The model as Kanmon asks for it: features [rows, width] to scores [rows, 1]."""
        constants = {
            "numeric": self.numeric.astype(np.int64),
            "named": self.named.astype(np.int64),
            "mean": self.mean.astype(np.float32),
            "scale": self.scale,
            "depth": np.array(self.depth, np.int64),
            "off_on": np.array([0, 1], np.float32),
            "flat": np.array([-1, len(self.named) * self.depth], np.int64),
            "weights": weights[:-1, None].astype(np.float32),
            "base": weights[-1:].astype(np.float32),
        }
        node = helper.make_node
        nodes = [
            node("Gather", ["features", "numeric"], ["numbers"], axis=1),
            node("IsNaN", ["numbers"], ["missing"]),
            node("Where", ["missing", "mean", "numbers"], ["filled"]),
            node("Sub", ["filled", "mean"], ["centred"]),
            node("Div", ["centred", "scale"], ["scaled"]),
            node("Gather", ["features", "named"], ["categories"], axis=1),
            node("Cast", ["categories"], ["positions"], to=TensorProto.INT64),
            node("OneHot", ["positions", "depth", "off_on"], ["each"]),
            node("Reshape", ["each", "flat"], ["columns"]),
            node("Concat", ["scaled", "columns"], ["inputs"], axis=1),
            node("MatMul", ["inputs", "weights"], ["products"]),
            node("Add", ["products", "base"], ["sums"]),
            node("Sigmoid", ["sums"], ["scores"]),
        ]
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            nodes,
            "newton",
            [value("features", TensorProto.FLOAT, ["rows", self.width])],
            [value("scores", TensorProto.FLOAT, ["rows", 1])],
            [numpy_helper.from_array(each, name) for name, each in constants.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def newton(inputs, truth, penalty, steps):
    """The weights with the least log loss and squares. The penalty also makes them unique."""
    weights = np.zeros(inputs.shape[1])
    for _ in range(steps):
        scores = sigmoid(inputs @ weights)
        slope = inputs.T @ (scores - truth) + penalty * weights
        curvature = (inputs.T * (scores * (1 - scores))) @ inputs + penalty * np.eye(len(weights))
        weights -= np.linalg.solve(curvature, slope)
    return weights


def sigmoid(sums):
    return 1 / (1 + np.exp(-sums.clip(-500, 500)))


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        traceback.print_exc()
        MESSAGE.parent.mkdir(parents=True, exist_ok=True)
        MESSAGE.write_text(f"{type(error).__name__}: {error}"[:1000], encoding="utf-8")
        sys.exit(1)
