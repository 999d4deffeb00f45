"""XGBoost: train, write the model as UBJ, and read the trees from the same model as JSON."""

import json
import math
import warnings
from typing import Any

from contract.libraries import xgboost
from contract.plan import Task
from contract.step import StepError
from train.ensemble import Ensemble, Link, Tree
from train.learner import TrainingInputs, check_parameters, refusal

OBJECTIVES: dict[Task, dict[str, Link]] = {
    "regression": {
        **dict.fromkeys(
            (
                "reg:squarederror",
                "reg:squaredlogerror",
                "reg:pseudohubererror",
                "reg:absoluteerror",
                "reg:quantileerror",
            ),
            "identity",
        ),
        **dict.fromkeys(("count:poisson", "reg:gamma", "reg:tweedie"), "exponential"),
    },
    "binary": {"binary:logistic": "sigmoid"},
    "multiclass": {"multi:softprob": "softmax"},
}
# Its name of what trainer.early_stopping_metric may be.
METRICS: dict[Task, dict[str, str]] = {
    "regression": {"rmse": "rmse", "mae": "mae", "mape": "mape"},
    "binary": {"log_loss": "logloss", "auc": "auc", "average_precision": "aucpr"},
    "multiclass": {"log_loss": "mlogloss", "accuracy": "merror"},
}
# XGBoost does not report in which direction a metric improves.
HIGHER_IS_BETTER = {"auc", "aucpr"}
_ROUNDS = ("n_estimators", "num_boost_round", "num_round", "num_rounds")
REFUSED = {
    **dict.fromkeys(_ROUNDS, "takes it from trainer.rounds; set that instead"),
    "early_stopping_rounds": "takes it from trainer.early_stopping_rounds; set that instead",
    **dict.fromkeys(("seed", "random_state"), "takes it from trainer.seed; set that instead"),
    "eval_metric": "takes it from trainer.early_stopping_metric; set that instead",
    "disable_default_eval_metric": "would leave early stopping without a loss; leave it out",
    "num_class": "takes it from the data; leave it out",
    "verbosity": "gets it from Kanmon, which needs the warnings; leave it out",
    "device": "must give the same model on any machine; leave it out",
    **dict.fromkeys(
        ("multi_strategy", "feature_selector", "updater"),
        "would make a model that ONNX cannot express; leave it out",
    ),
}


class XGBoost:
    """The Learner for XGBoost; see learner.py."""

    def __init__(self, inputs: TrainingInputs) -> None:
        parameters = inputs.trainer.parameters
        assert inputs.validation is not None  # noqa: S101 - as on every first host
        check_parameters("xgboost", parameters, REFUSED)
        if parameters.get("booster", "gbtree") != "gbtree":
            raise StepError(
                f"trainer.parameters.booster: '{parameters['booster']}' is not supported with "
                "early stopping and ONNX; use gbtree"
            )
        default = next(iter(OBJECTIVES[inputs.task]))
        objective = parameters.get("objective", default)
        if objective not in OBJECTIVES[inputs.task]:
            raise StepError(
                f"trainer.parameters.objective: '{objective}' is not an objective for a "
                f"{inputs.task} model; use one of {', '.join(OBJECTIVES[inputs.task])}"
            )
        self._task = inputs.task
        self._library = xgboost()
        self._rounds = 0
        metric = METRICS[inputs.task].get(inputs.trainer.early_stopping_metric or "")
        settings = {
            "objective": default,
            # Without a name, the loss that the objective minimises.
            **({"eval_metric": metric} if metric else {}),
            **parameters,
            "seed": inputs.trainer.seed,
            "nthread": inputs.threads,
            "verbosity": 1,
            **({"num_class": inputs.classes} if inputs.task == "multiclass" else {}),
        }
        with self._guarded():
            self._train, self._validation = (
                self._library.DMatrix(
                    rows.matrix,
                    rows.labels,
                    weight=rows.weights,
                    nthread=inputs.threads,
                    feature_types=[
                        "c" if at in inputs.categorical else "q"
                        for at in range(rows.matrix.shape[1])
                    ],
                    enable_categorical=True,
                )
                for rows in (inputs.train, inputs.validation)
            )
            self._booster = self._library.Booster(settings, [self._train, self._validation])
            self.metric, _ = self._evaluation()
        self.higher_is_better = self.metric in HIGHER_IS_BETTER

    def _guarded(self) -> "_Guard":
        return _Guard(self._library.core.XGBoostError)

    def round(self) -> float | None:
        with self._guarded():
            self._booster.update(self._train, self._rounds)
            value = self._evaluation()[1]
        self._rounds += 1
        return value

    def _evaluation(self) -> tuple[str, float]:
        line: str = self._booster.eval_set([(self._validation, "validation")], self._rounds)
        name, _, value = line.split("\t")[1].removeprefix("validation-").rpartition(":")
        return name, float(value)

    def native(self, rounds: int) -> bytes:
        return bytes(self._booster[:rounds].save_raw("ubj"))

    def ensemble(self, native: bytes) -> Ensemble:
        return read_json(bytes(self._loaded(native).save_raw("json")), self._task)

    def _loaded(self, native: bytes) -> Any:
        return self._library.Booster(model_file=bytearray(native))


class _Guard(warnings.catch_warnings):
    """Turn XGBoost's errors, and its warning of an unknown parameter, into StepError."""

    def __init__(self, error: type[Exception]) -> None:
        super().__init__(record=True)
        self._error = error
        self._seen: list[Any] = []

    def __enter__(self) -> Any:
        seen = super().__enter__()
        # Not `or []`: the list is still empty, and warnings will fill this very list.
        self._seen = [] if seen is None else seen
        warnings.simplefilter("always")
        return self._seen

    def __exit__(self, *exc: Any) -> None:
        super().__exit__(*exc)
        if isinstance(exc[1], self._error):
            raise refusal("xgboost", exc[1]) from None
        for warning in self._seen:
            text = str(warning.message)
            if "are not used" in text:
                unknown = text[text.index("{") + 1 : text.index("}")].strip().strip('"')
                raise StepError(
                    f"trainer.parameters.{unknown}: xgboost does not know this parameter; "
                    "correct or remove it"
                )


def read_json(model: bytes, task: Task) -> Ensemble:
    """Read XGBoost's model JSON (3.x)."""
    learner = json.loads(model)["learner"]
    link = OBJECTIVES[task][learner["objective"]["name"]]
    gbtree = learner["gradient_booster"]["model"]
    outputs = max(1, int(learner["learner_model_param"]["num_class"]))
    base = _base(learner["learner_model_param"]["base_score"], link)
    return Ensemble(
        comparison="BRANCH_LT",
        outputs=outputs,
        base=base if len(base) == outputs else base * outputs,
        link=link,
        trees=tuple(
            _tree(tree, output)
            for tree, output in zip(gbtree["trees"], gbtree["tree_info"], strict=True)
        ),
    )


def _base(written: str, link: Link) -> tuple[float, ...]:
    """The margin of the base score, which is written as a prediction ("5E-1" or "[5E-1]")."""
    scores = [float(part) for part in written.strip("[]").split(",")]
    if link == "sigmoid":
        return tuple(math.log(score / (1 - score)) for score in scores)
    if link == "exponential":
        return tuple(math.log(score) for score in scores)
    return tuple(scores)


def _tree(tree: dict[str, Any], output: int) -> Tree:
    """A leaf has left child -1, and its value is where a split has its threshold."""
    left, right = tree["left_children"], tree["right_children"]
    conditions = tree["split_conditions"]
    leaf = [child == -1 for child in left]
    members = _members(tree)
    # XGBoost sends a set's members to the right.
    sides = [(right, left) if node in members else (left, right) for node in range(len(leaf))]
    sides = [(yes[node], no[node]) for node, (yes, no) in enumerate(sides)]
    return Tree(
        output=output,
        feature=[
            -1 if is_leaf else index
            for is_leaf, index in zip(leaf, tree["split_indices"], strict=True)
        ],
        threshold=[
            0.0 if is_leaf or node in members else float(value)
            for node, (is_leaf, value) in enumerate(zip(leaf, conditions, strict=True))
        ],
        true=[max(yes, 0) for yes, _ in sides],
        false=[max(no, 0) for _, no in sides],
        missing_true=[
            bool(flag) and not is_leaf and node not in members
            for node, (is_leaf, flag) in enumerate(zip(leaf, tree["default_left"], strict=True))
        ],
        value=[
            float(value) if is_leaf else 0.0
            for is_leaf, value in zip(leaf, conditions, strict=True)
        ],
        members=members,
    )


def _members(tree: dict[str, Any]) -> dict[int, tuple[int, ...]]:
    """The sets of the tree's splits on categories, by node."""
    sets = zip(
        tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True
    )
    every = tree["categories"]
    return {node: tuple(every[start : start + size]) for node, start, size in sets}
