"""The model as ONNX: one tree ensemble and its link function.

Input `features`: float32 [rows, features]. Output `scores`: float32 [rows, 1], for multiclass
[rows, classes]. No converter package is used: thresholds must be rounded so that every float32 row
takes the same path as in the library (see ensemble.float32_at_most), and the converters need
scikit-learn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from train.ensemble import Ensemble, Link, Tree

# The oldest operator that splits categories into sets.
OPSET, ML_OPSET, IR_VERSION = 17, 5, 8
LINK_OPERATORS: dict[Link, str] = {
    "exponential": "Exp",
    "sigmoid": "Sigmoid",
    "softmax": "Softmax",
}
_MODES = {"BRANCH_LEQ": 0, "BRANCH_LT": 1}
_MEMBER = 6
_SUM = 1


def onnx_model(ensemble: Ensemble, numbers: Sequence[int]) -> bytes:
    """Serialise. The same ensemble always gives the same bytes.

    `numbers` has, for each feature, how many numbers its categories have; 0 or more for others.
    """
    from onnx import TensorProto, helper, numpy_helper

    link = LINK_OPERATORS.get(ensemble.link)
    based = any(ensemble.base)
    names = ["trees"] * based + ["margins"] * bool(link) + ["scores"]
    trees = helper.make_node(
        "TreeEnsemble",
        ["features"],
        [names[0]],
        domain="ai.onnx.ml",
        **_attributes(ensemble, numbers),
    )
    nodes = [trees]
    if based:
        nodes.append(helper.make_node("Add", ["trees", "base"], [names[1]]))
    if link:
        nodes.append(helper.make_node(link, ["margins"], ["scores"]))
    base = numpy_helper.from_array(np.array([ensemble.base], np.float32), "base")
    graph = helper.make_graph(
        nodes,
        "kanmon",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", len(numbers)])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", ensemble.outputs])],
        [base] if based else [],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(
        graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="kanmon"
    )
    return bytes(model.SerializeToString(deterministic=True))


@dataclass(frozen=True)
class _Split:
    """A split and its place: child nodes and leaves are numbered through all trees."""

    mode: int
    feature: int
    threshold: float
    members: tuple[int, ...]
    missing_true: bool
    true: int
    true_leaf: bool
    false: int
    false_leaf: bool


def _attributes(ensemble: Ensemble, numbers: Sequence[int]) -> dict[str, Any]:
    from onnx import numpy_helper

    splits: list[_Split] = []
    leaves: list[tuple[int, float]] = []
    roots: list[int] = []
    # A model without any split is its base alone, but the operator needs a tree.
    for tree in ensemble.trees or (Tree(0, [-1], [0.0], [0], [0], [False], [0.0]),):
        roots.append(len(splits))
        splits += _splits(tree, _MODES[ensemble.comparison], numbers, len(splits), len(leaves))
        leaves += [
            (tree.output, tree.value[node])
            for node, feature in enumerate(tree.feature)
            if feature < 0
        ]
    sets = [[*split.members, np.nan] for split in splits if split.mode == _MEMBER]

    def tensor(name: str, values: Sequence[float], kind: Any = np.float32) -> Any:
        return numpy_helper.from_array(np.array(values, kind), name)

    attributes = {
        "n_targets": ensemble.outputs,
        "aggregate_function": _SUM,
        "post_transform": 0,
        "tree_roots": roots,
        "nodes_modes": tensor("modes", [split.mode for split in splits], np.uint8),
        "nodes_featureids": [split.feature for split in splits],
        "nodes_splits": tensor("splits", [split.threshold for split in splits]),
        "nodes_truenodeids": [split.true for split in splits],
        "nodes_trueleafs": [int(split.true_leaf) for split in splits],
        "nodes_falsenodeids": [split.false for split in splits],
        "nodes_falseleafs": [int(split.false_leaf) for split in splits],
        "nodes_missing_value_tracks_true": [int(split.missing_true) for split in splits],
        "leaf_targetids": [output for output, _ in leaves],
        "leaf_weights": tensor("leaves", [value for _, value in leaves]),
    }
    if sets:
        attributes["membership_values"] = tensor("members", [each for one in sets for each in one])
    return attributes


def _splits(
    tree: Tree, mode: int, numbers: Sequence[int], first: int, first_leaf: int
) -> Iterator[_Split]:
    """The tree's splits in their order. A tree of one leaf has a split with it on both sides."""
    places: list[int] = []
    splits, leaves = first, first_leaf
    for feature in tree.feature:
        places.append(leaves if feature < 0 else splits)
        leaves, splits = leaves + (feature < 0), splits + (feature >= 0)
    if splits == first:
        yield _Split(mode, 0, 0.0, (), False, first_leaf, True, first_leaf, True)
    for node, feature in enumerate(tree.feature):
        if feature < 0:
            continue
        true, false = tree.true[node], tree.false[node]
        members = tree.members.get(node)
        # The runtime compares with one member after the other: the smaller set is faster.
        if members is not None and 2 * len(members) > numbers[feature]:
            members = tuple(sorted(set(range(numbers[feature])).difference(members)))
            true, false = false, true
        threshold = tree.threshold[node]
        # The first numbers, up to one: an ordinary comparison, which is faster.
        if members is not None and members == tuple(range(len(members))):
            threshold, members = len(members) - 0.5, None
        yield _Split(
            mode if members is None else _MEMBER,
            feature,
            threshold,
            members or (),
            tree.missing_true[node],
            places[true],
            tree.feature[true] < 0,
            places[false],
            tree.feature[false] < 0,
        )
