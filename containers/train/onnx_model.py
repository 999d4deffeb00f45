"""The model as ONNX: one tree ensemble and its link function.

Input `features`: float32 [rows, features]. Output `scores`: float32 [rows, 1], for multiclass
[rows, classes]. No converter package is used: thresholds must be rounded so that every float32 row
takes the same path as in the library (see ensemble.float32_at_most), and the converters need
scikit-learn.
"""

from typing import Any

from train.ensemble import Ensemble, Link, Tree

# Old enough for every runtime in use. Nothing newer is needed.
OPSET, ML_OPSET, IR_VERSION = 17, 3, 8
LINK_OPERATORS: dict[Link, str] = {
    "exponential": "Exp",
    "sigmoid": "Sigmoid",
    "softmax": "Softmax",
}


def onnx_model(ensemble: Ensemble, features: int) -> bytes:
    """Serialise. The same ensemble always gives the same bytes."""
    from onnx import TensorProto, helper

    link = LINK_OPERATORS.get(ensemble.link)
    trees = helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["margins" if link else "scores"],
        domain="ai.onnx.ml",
        **_attributes(ensemble),
    )
    nodes = [trees] + ([helper.make_node(link, ["margins"], ["scores"])] if link else [])
    graph = helper.make_graph(
        nodes,
        "kanmon",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", features])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", ensemble.outputs])],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(
        graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="kanmon"
    )
    return bytes(model.SerializeToString(deterministic=True))


def _attributes(ensemble: Ensemble) -> dict[str, Any]:
    # A model without any split is its base alone, but the operator needs a tree.
    trees = ensemble.trees or (
        Tree(output=0, feature=[-1], threshold=[0.0], true=[0], false=[0],
             missing_true=[False], value=[0.0]),
    )  # fmt: skip
    numbered = list(enumerate(trees))
    leaves = [
        (number, node, tree.output, tree.value[node])
        for number, tree in numbered
        for node, feature in enumerate(tree.feature)
        if feature < 0
    ]
    return {
        "n_targets": ensemble.outputs,
        "base_values": list(ensemble.base),
        "aggregate_function": "SUM",
        "post_transform": "NONE",
        "nodes_treeids": [number for number, tree in numbered for _ in tree.feature],
        "nodes_nodeids": [node for tree in trees for node in range(len(tree.feature))],
        "nodes_featureids": [max(feature, 0) for tree in trees for feature in tree.feature],
        "nodes_modes": [
            "LEAF" if feature < 0 else ensemble.comparison
            for tree in trees
            for feature in tree.feature
        ],
        "nodes_values": [value for tree in trees for value in tree.threshold],
        "nodes_truenodeids": [node for tree in trees for node in tree.true],
        "nodes_falsenodeids": [node for tree in trees for node in tree.false],
        "nodes_missing_value_tracks_true": [
            int(flag) for tree in trees for flag in tree.missing_true
        ],
        "target_treeids": [leaf[0] for leaf in leaves],
        "target_nodeids": [leaf[1] for leaf in leaves],
        "target_ids": [leaf[2] for leaf in leaves],
        "target_weights": [leaf[3] for leaf in leaves],
    }
