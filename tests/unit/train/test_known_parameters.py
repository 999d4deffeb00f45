"""The parameters that a model may set are those of the pinned libraries, with their types."""

from typing import Any

import numpy as np
import pytest

from contract.libraries import lightgbm, xgboost
from core.definition.schema import Trainer
from core.definition.trainer_parameters import first_names, known_parameters, parameter_problems
from train import lightgbm_learner, xgboost_learner

# What LightGBM also knows, and a model has no use for: files, the command line, other machines,
# prediction, ranking, GPUs, and what Kanmon decides itself.
NOT_FOR_TRAINING = set(
    """
    config task data valid machines machine_list_filename num_machines local_listen_port time_out
    pre_partition tree_learner top_k input_model output_model output_result snapshot_freq two_round
    save_binary header label_column weight_column group_column ignore_column forcedbins_filename
    forcedsplits_filename parser_config_file precise_float_parser convert_model
    convert_model_language saved_feature_importance_type refit_decay_rate linear_lambda
    start_iteration_predict num_iteration_predict predict_raw_score predict_leaf_index
    predict_contrib predict_disable_shape_check pred_early_stop pred_early_stop_freq
    pred_early_stop_margin metric_freq is_provide_training_metric eval_at first_metric_only
    early_stopping_min_delta lambdarank_truncation_level lambdarank_norm label_gain
    lambdarank_position_bias_regularization bagging_by_query num_gpu gpu_device_id gpu_platform_id
    gpu_use_dp gpu_device_id_list num_threads deterministic force_row_wise force_col_wise
    """.split()  # noqa: SIM905 - a list of sixty lines reads worse
)
# Words of the libraries' own refusals of the text "nonsense".
REFUSALS = {
    "number": ("Unknown token nonsense", "expect float", "expect double"),
    "integer": ("should be of type int", "expect int", "expect long"),
    "boolean": ('should be "true"/"+" or "false"/"-"', "expect boolean"),
}
MATRIX, LABELS = np.arange(60.0).reshape(30, 2), np.arange(30.0) + 1
# XGBoost reads these only with the objective that has them, and base_score as JSON.
OBJECTIVES = {"tweedie_variance_power": "reg:tweedie", "huber_slope": "reg:pseudohubererror"}


def aliases() -> dict[str, list[str]]:
    found: dict[str, list[str]] = lightgbm().basic._ConfigAliases._get_all_param_aliases()
    return found


def test_every_parameter_of_lightgbm_is_allowed_refused_or_of_no_use_here() -> None:
    known, refused = known_parameters("lightgbm")
    decided = set(known) | set(refused)

    missing = {
        name
        for canonical, names in aliases().items()
        if canonical not in NOT_FOR_TRAINING
        for name in names
        if name not in decided
    }

    assert not missing
    # `cat_features` is no alias, but people try it.
    assert decided - {name for names in aliases().values() for name in names} == {"cat_features"}
    assert not set(known) & NOT_FOR_TRAINING


@pytest.mark.parametrize(
    "name", [name for name, kind in known_parameters("lightgbm")[0].items() if kind != "text"]
)
def test_lightgbm_has_this_type_for(name: str) -> None:
    kind = known_parameters("lightgbm")[0][name]

    with pytest.raises(lightgbm().basic.LightGBMError) as refused:
        settings = {name: "nonsense", "verbosity": -1}
        data = lightgbm().Dataset(MATRIX, LABELS, params=settings)
        lightgbm().Booster(settings, data)

    assert any(words in str(refused.value) for words in REFUSALS[kind]), refused.value


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, kind in known_parameters("xgboost")[0].items()
        if kind != "text" and name != "base_score"
    ],
)
def test_xgboost_has_this_type_for(name: str) -> None:
    kind = known_parameters("xgboost")[0][name]
    settings: dict[str, Any] = {name: "nonsense", "objective": OBJECTIVES.get(name, "reg:gamma")}
    if name == "scale_pos_weight":
        settings["objective"] = "reg:squarederror"

    with pytest.raises(xgboost().core.XGBoostError) as refused:
        xgboost().train(settings, xgboost().DMatrix(MATRIX, LABELS), 1)

    assert any(words in str(refused.value) for words in REFUSALS[kind]), refused.value


@pytest.mark.parametrize(
    ("library", "words"),
    [("lightgbm", lightgbm_learner.REFUSED), ("xgboost", xgboost_learner.REFUSED)],
)
def test_what_train_refuses_is_refused_before_it_in_the_same_words(
    library: str, words: dict[str, str]
) -> None:
    refused = known_parameters(library)[1]

    assert {name: refused.get(name) for name in words} == words


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("learning_rate", 1, None),
        ("learning_rate", "fast", "'fast' is not a number; write a number, without quotes"),
        ("num_leaves", 7.5, "7.5 is not a whole number; write a whole number, without quotes"),
        ("num_leaves", True, "True is not a whole number; write a whole number, without quotes"),
        ("extra_trees", True, None),
        ("extra_trees", 1, "1 is not true or false; write true or false, without quotes"),
        ("monotone_constraints", "1,-1", None),
        ("monotone_constraints", 1, None),
        ("objective", True, "True is not text; write text"),
        ("num_leafs", 7, "lightgbm has no such parameter for training; did you mean num_leaf?"),
        ("zzz", 7, "lightgbm has no such parameter for training; see its documentation, or leave "
         "it out"),
        ("n_estimators", 7, "lightgbm takes it from trainer.rounds; set that instead"),
        ("input_model", "/etc/passwd", "lightgbm has no such parameter for training; see its "
         "documentation, or leave it out"),
    ],
)  # fmt: skip
def test_a_parameter_is_judged_by_name_and_type(name: str, value: Any, words: str | None) -> None:
    found = parameter_problems(Trainer(library="lightgbm", parameters={name: value}))

    assert found == ([(name, words)] if words else [])


def test_the_names_of_one_parameter_of_lightgbm_are_those_that_it_has_itself() -> None:
    known = set(known_parameters("lightgbm")[0])
    groups = [sorted({canonical, *names} & known) for canonical, names in aliases().items()]

    assert first_names("lightgbm") == {
        name: names[0] for names in groups if len(names) > 1 for name in names
    }


@pytest.mark.parametrize("name", sorted(first_names("xgboost")))
def test_xgboost_trains_the_same_by_each_name_of_one_parameter(name: str) -> None:
    """And not the same as without it."""

    def model(settings: dict[str, Any]) -> str:
        booster = xgboost().train({"max_depth": 3, **settings}, xgboost().DMatrix(MATRIX, LABELS))
        return "".join(booster.get_dump(with_stats=True))

    same = {model({each: 0.7 if "l" in first else 20.0}) for first, each in _alike(name)}

    assert len(same) == 1
    assert model({}) not in same


def _alike(name: str) -> list[tuple[str, str]]:
    firsts = first_names("xgboost")
    return [(firsts[name], each) for each, first in firsts.items() if first == firsts[name]]
