"""The parameters of one run: they replace the trainer's own, and are checked as those are."""

import pytest

from core.definition.parse import DefinitionError, apply_parameters
from tests.support.control_cases import DEFINITION


def test_a_runs_parameters_replace_the_trainers_own() -> None:
    changed = apply_parameters(DEFINITION, {"rounds": 50, "learning_rate": 0.05})

    assert changed.trainer.rounds == 50
    assert changed.trainer.parameters == {"learning_rate": 0.05}
    assert DEFINITION.trainer.rounds == 2000
    assert DEFINITION.trainer.parameters == {}
    assert changed.model_copy(update={"trainer": DEFINITION.trainer}) == DEFINITION


def test_a_runs_parameter_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(DefinitionError) as raised:
        apply_parameters(DEFINITION, {"rounds": "many"})

    assert raised.value.problems == [
        "the run's parameters, rounds: 'many' is not a whole number; write one, without quotes"
    ]


def test_a_run_may_watch_another_metric_that_its_task_has() -> None:
    watched = {"regression": "mae", "binary": "auc", "multiclass": "accuracy"}[DEFINITION.task]
    changed = apply_parameters(DEFINITION, {"early_stopping_metric": watched})

    assert changed.trainer.early_stopping_metric == watched
    with pytest.raises(DefinitionError) as raised:
        apply_parameters(DEFINITION, {"early_stopping_metric": "f1"})
    [problem] = raised.value.problems
    assert problem.startswith("the run's parameters, early_stopping_metric: early stopping of a ")
