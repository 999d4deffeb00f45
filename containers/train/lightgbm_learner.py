"""LightGBM: train, write the model's text, and read the trees from it."""

import re
from typing import Any

from contract.libraries import lightgbm
from contract.plan import Task
from contract.step import StepError
from train.ensemble import Ensemble, Link, Tree, float32_at_most
from train.learner import Rows, TrainingInputs, check_parameters, refusal

OBJECTIVES: dict[Task, dict[str, Link]] = {
    "regression": {
        **dict.fromkeys(
            ("regression", "regression_l1", "huber", "fair", "quantile", "mape"), "identity"
        ),
        **dict.fromkeys(("poisson", "gamma", "tweedie"), "exponential"),
    },
    "binary": {"binary": "sigmoid"},
    "multiclass": {"multiclass": "softmax"},
}
# Its name of what trainer.early_stopping_metric may be.
METRICS: dict[Task, dict[str, str]] = {
    "regression": {"rmse": "rmse", "mae": "mae", "mape": "mape"},
    "binary": {
        "log_loss": "binary_logloss",
        "auc": "auc",
        "average_precision": "average_precision",
    },
    "multiclass": {"log_loss": "multi_logloss", "accuracy": "multi_error"},
}
_ROUNDS = (
    "num_iterations", "num_iteration", "n_iter", "num_tree", "num_trees", "num_round",
    "num_rounds", "nrounds", "num_boost_round", "n_estimators", "max_iter",
)  # fmt: skip
_PATIENCE = ("early_stopping_round", "early_stopping_rounds", "early_stopping", "n_iter_no_change")
_OBJECTIVE = ("objective_type", "app", "application", "loss")
_BOOSTING = ("boosting", "boosting_type", "boost")
REFUSED = {
    **dict.fromkeys(_ROUNDS, "takes it from trainer.rounds; set that instead"),
    **dict.fromkeys(_PATIENCE, "takes it from trainer.early_stopping_rounds; set that instead"),
    **dict.fromkeys(
        ("seed", "random_seed", "random_state"), "takes it from trainer.seed; set that instead"
    ),
    **dict.fromkeys(_OBJECTIVE, "also calls it 'objective'; use that name"),
    **dict.fromkeys(
        ("metric", "metrics", "metric_types"),
        "takes it from trainer.early_stopping_metric; set that instead",
    ),
    **dict.fromkeys(("num_class", "num_classes"), "takes it from the data; leave it out"),
    **dict.fromkeys(
        ("verbosity", "verbose"), "gets it from Kanmon, which needs the warnings; leave it out"
    ),
    **dict.fromkeys(
        ("device", "device_type"), "must give the same model on any machine; leave it out"
    ),
    **dict.fromkeys(
        ("linear_tree", "linear_trees", "zero_as_missing", "reg_sqrt", "sigmoid"),
        "would make a model that ONNX cannot express; leave it out",
    ),
    **dict.fromkeys(
        (
            "categorical_feature",
            "categorical_features",
            "categorical_column",
            "cat_feature",
            "cat_features",
            "cat_column",
        ),
        "gets the kinds from 'features'; leave it out",
    ),
}
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_NONE, _MISSING_NAN = 0, 2


class LightGBM:
    """The Learner for LightGBM; see learner.py."""

    def __init__(self, inputs: TrainingInputs) -> None:
        parameters = inputs.trainer.parameters
        check_parameters("lightgbm", parameters, REFUSED)
        for name in _BOOSTING:
            if parameters.get(name, "gbdt") not in ("gbdt", "goss", "gbrt"):
                raise StepError(
                    f"trainer.parameters.{name}: '{parameters[name]}' is not supported with early "
                    "stopping and ONNX; use gbdt or goss"
                )
        self._task = inputs.task
        self._library = lightgbm()
        self._warnings = _Warnings()
        self._library.register_logger(self._warnings)
        settings = {
            "objective": inputs.task,
            # Without a name, the loss that the objective minimises.
            "metric": METRICS[inputs.task].get(inputs.trainer.early_stopping_metric or "")
            or ("rmse" if inputs.task == "regression" and "objective" not in parameters else ""),
            **parameters,
            "seed": inputs.trainer.seed,
            # Sums in a fixed order: the same bytes on any number of threads (a test checks it).
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": inputs.threads,
            "verbosity": 0,
            **({"num_class": inputs.classes} if inputs.task == "multiclass" else {}),
            **self._network(),
        }
        try:
            train = self._training_set(inputs, settings)
            self._booster = self._library.Booster(settings, train)
            if inputs.validation is not None:
                self._booster.add_valid(
                    train.create_valid(
                        inputs.validation.matrix,
                        inputs.validation.labels,
                        weight=inputs.validation.weights,
                        params=settings,
                    ),
                    "validation",
                )
            self.metric, _, self.higher_is_better = self._evaluation()
        except self._library.basic.LightGBMError as error:
            raise self._refusal(error) from None
        self._check_unknown(parameters)
        _objective(self._booster.model_to_string(), inputs.task)

    def _network(self) -> dict[str, Any]:
        """Settings for learning on several hosts."""
        return {}

    def _training_set(self, inputs: TrainingInputs, settings: dict[str, Any]) -> Any:
        return self._dataset(inputs.train, inputs, settings)

    def _dataset(
        self, rows: Rows, inputs: TrainingInputs, settings: dict[str, Any], bins: Any = None
    ) -> Any:
        """Rows in the library's form; with `bins`, in the bins of that dataset."""
        return self._library.Dataset(
            rows.matrix,
            rows.labels,
            reference=bins,
            categorical_feature=list(inputs.categorical),
            weight=rows.weights,
            params=settings,
        )

    def _refusal(self, error: Exception) -> StepError:
        return refusal("lightgbm", error)

    def _check_unknown(self, parameters: Any) -> None:
        for warning in self._warnings.lines:
            if warning.startswith("Unknown parameter"):
                unknown = warning.rpartition(" ")[2]
                raise StepError(
                    f"trainer.parameters.{unknown}: lightgbm does not know this parameter; "
                    "correct or remove it"
                )

    def _evaluation(self) -> tuple[str, float, bool]:
        [(_, name, value, higher), *_] = self._booster.eval_valid()
        return str(name), float(value), bool(higher)

    def round(self) -> float | None:
        try:
            if self._booster.update():
                return None
        except self._library.basic.LightGBMError as error:
            raise self._refusal(error) from None
        return self._evaluation()[1]

    def native(self, rounds: int) -> bytes:
        text: str = self._booster.model_to_string(num_iteration=rounds)
        # The only line that depends on the number of threads.
        return re.sub(r"\[num_threads: \d+\]", "[num_threads: 0]", text).encode()

    def ensemble(self, native: bytes) -> Ensemble:
        return read_text(native.decode(), self._task)


class _Warnings:
    """A logger for LightGBM that keeps all lines. LightGBM logs warnings as information."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, line: str) -> None:
        self.lines.append(line.removeprefix("[LightGBM] [Warning] ").strip())

    def warning(self, line: str) -> None:
        self.info(line)


def read_text(text: str, task: Task) -> Ensemble:
    """Read LightGBM's model text, format v4."""
    header, *blocks = text.partition("\nend of trees")[0].split("\nTree=")
    fields = _fields(header)
    outputs = int(fields["num_tree_per_iteration"])
    return Ensemble(
        comparison="BRANCH_LEQ",
        outputs=outputs,
        base=(0.0,) * outputs,
        link=_objective(text, task),
        trees=tuple(_tree(_fields(block), number % outputs) for number, block in enumerate(blocks)),
    )


def _objective(text: str, task: Task) -> Link:
    name = _fields(text.partition("\nTree=")[0]).get("objective", "none").split()[0]
    if name not in OBJECTIVES[task]:
        raise StepError(
            f"trainer.parameters.objective: '{name}' is not an objective for a {task} model; "
            f"use one of {', '.join(OBJECTIVES[task])}"
        )
    return OBJECTIVES[task][name]


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _tree(fields: dict[str, str], output: int) -> Tree:
    """Splits keep their numbers, the leaves follow. A child below 0 is leaf ~child."""
    tree = Tree(output=output)
    leaves = [float(value) for value in fields["leaf_value"].split()]
    splits = len(leaves) - 1
    if splits:
        columns = zip(
            map(int, fields["split_feature"].split()),
            map(float, fields["threshold"].split()),
            map(int, fields["decision_type"].split()),
            map(int, fields["left_child"].split()),
            map(int, fields["right_child"].split()),
            strict=True,
        )
        for node, (feature, threshold, decision, left, right) in enumerate(columns):
            tree.feature.append(feature)
            tree.true.append(left if left >= 0 else splits + ~left)
            tree.false.append(right if right >= 0 else splits + ~right)
            if decision & _CATEGORICAL:
                tree.members[node] = _members(fields, int(threshold))
                tree.threshold.append(0.0)
                tree.missing_true.append(False)
            else:
                tree.threshold.append(float32_at_most(threshold))
                tree.missing_true.append(_missing_true(decision, threshold))
    tree.feature += [-1] * len(leaves)
    tree.threshold += [0.0] * len(leaves)
    tree.true += [0] * len(leaves)
    tree.false += [0] * len(leaves)
    tree.missing_true += [False] * len(leaves)
    tree.value += [0.0] * splits + leaves
    return tree


def _members(fields: dict[str, str], number: int) -> tuple[int, ...]:
    """The categories of a tree's set with this number. A set is a row of 32-bit words."""
    bounds = fields["cat_boundaries"].split()
    words = fields["cat_threshold"].split()[int(bounds[number]) : int(bounds[number + 1])]
    return tuple(
        32 * at + bit for at, word in enumerate(words) for bit in range(32) if int(word) >> bit & 1
    )


def _missing_true(decision: int, threshold: float) -> bool:
    missing = decision >> 2 & 3
    if missing not in (_MISSING_NONE, _MISSING_NAN):
        raise StepError(
            "trainer.parameters: with these, lightgbm grew a tree that ONNX cannot express "
            "(zero as missing); remove zero_as_missing"
        )
    # If training saw no missing value, LightGBM reads one as 0.
    return bool(decision & _DEFAULT_LEFT) if missing == _MISSING_NAN else threshold >= 0
