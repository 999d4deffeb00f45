"""The search for better parameters: what it tries, that it is repeatable, and how it ends."""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from contract.artifact import sha256
from contract.plan import Plan
from contract.step import StepError
from tests.support.training_cases import LIBRARIES, METRICS, TASKS, document, rows
from train.model import Prepared, train
from train.search import Found, search

SPACE: dict[str, Any] = {
    "lightgbm": {
        "learning_rate": {"low": 0.02, "high": 0.5, "log": True},
        "num_leaves": {"low": 4, "high": 31},
        "extra_trees": {"choices": [True, False]},
    },
    "xgboost": {
        "learning_rate": {"low": 0.02, "high": 0.5, "log": True},
        "max_depth": {"low": 2, "high": 6},
        "grow_policy": {"choices": ["depthwise", "lossguide"]},
    },
}


def plan(
    task: str = "regression", library: str = "lightgbm", *, parameters: Any = None, **changed: Any
) -> Plan:
    settings = {"trials": 12, "minutes": None, "batch": 4, "space": SPACE[library], **changed}
    written = document(task, library, parameters=parameters, rounds=12)
    written["definition"]["content"]["search"] = settings
    return Plan.from_document(written)


def prepared(of: Plan) -> Prepared:
    return Prepared.of(of, rows(of.task), rows(of.task, 100, seed=1))


def searched(
    of: Plan, clock: Callable[[], float] = lambda: 0.0, say: Callable[[str], None] = lambda _: None
) -> Found:
    return search(prepared(of), clock, say)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("task", TASKS)
def test_the_candidate_has_the_bytes_that_a_run_with_the_parameters_found_gives(
    task: str, library: str
) -> None:
    of = plan(task, library)
    found = searched(of)

    chosen = prepared(of).with_parameters(found.parameters).trained().artifact
    by_hand = Plan.from_document(
        document(task, library, parameters=dict(found.parameters), rounds=12)
    )
    alone = train(by_hand, rows(task), rows(task, 100, seed=1))

    assert sha256(chosen.pack()) == sha256(alone.artifact.pack())
    assert found.best.result.value == alone.validation[METRICS[task][0]]


def test_the_first_trial_has_the_own_parameters_so_that_the_end_is_never_worse() -> None:
    found = searched(plan(parameters={"learning_rate": 0.3, "num_leaves": 8}))
    first = found.trials[0]

    assert first.number == 1
    assert first.parameters == {}
    assert found.document["own"] == {"learning_rate": 0.3, "num_leaves": 8, "extra_trees": None}
    assert first.result.value is not None
    assert found.best.result.value == min(
        each.result.value for each in found.trials if each.result.value is not None
    )


@pytest.mark.parametrize(("task", "better"), [("binary", max), ("regression", min)])
def test_the_primary_metric_on_the_validation_rows_decides(task: str, better: Any) -> None:
    found = searched(plan(task))
    values = [each.result.value for each in found.trials]

    assert found.document["metric"] == METRICS[task][0]
    assert found.best.result.value == better(values)
    # Of equal ones the first.
    assert found.best.number == values.index(better(values)) + 1


def test_the_same_input_gives_the_same_trials_and_another_seed_gives_others() -> None:
    first, second = searched(plan()).document, searched(plan()).document
    written = document(seed=8, rounds=12)
    written["definition"]["content"]["search"] = {
        "trials": 12, "minutes": None, "batch": 4, "space": SPACE["lightgbm"],
    }  # fmt: skip
    other = searched(Plan.from_document(written)).document

    assert json.dumps(first) == json.dumps(second)
    assert first["trials"][1:] != other["trials"][1:]


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_number_of_threads_does_not_change_a_trial(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for threads in (1, 3):
        for module in ("train.learner", "contract.native_model"):
            monkeypatch.setattr(f"{module}.threads", lambda _matrix, n=threads: n)
        found.append(json.dumps(searched(plan(library=library)).document))

    assert found[0] == found[1]


def test_every_value_tried_lies_in_the_space_and_can_be_typed() -> None:
    found = searched(plan(trials=30))

    for each in found.trials[1:]:
        rate, leaves = each.parameters["learning_rate"], each.parameters["num_leaves"]
        assert isinstance(rate, float)
        assert 0.02 <= rate <= 0.5
        assert len(f"{rate:.12g}".replace(".", "").lstrip("0")) <= 6
        assert isinstance(leaves, int)
        assert 4 <= leaves <= 31
        assert each.parameters["extra_trees"] in (True, False)


def test_what_mattered_sums_to_one_and_is_left_open_with_few_trials() -> None:
    many = searched(plan(trials=25)).document["importance"]

    assert set(many) == set(SPACE["lightgbm"])
    assert sum(many.values()) == pytest.approx(1, abs=1e-5)
    assert searched(plan(trials=6)).document["importance"] is None


def test_where_nothing_makes_a_difference_the_first_trial_is_best_and_the_report_is_json() -> None:
    """Without bagging, its seed changes nothing."""
    found = searched(plan(space={"bagging_seed": {"low": 1, "high": 900}}, trials=25))

    assert found.best.number == 1
    json.dumps(found.document, allow_nan=False)


def test_a_trial_that_the_library_refuses_is_kept_with_its_reason_and_the_others_go_on() -> None:
    space = {"objective": {"choices": ["regression", "gamma", "nonsense"]}}
    found = searched(plan(space=space, trials=12))
    failed = [each for each in found.document["trials"] if each["state"] == "failed"]

    assert failed
    assert {each["value"] for each in failed} == {None}
    assert "Unknown objective type name: nonsense" in failed[0]["reason"]
    assert found.best.result.value is not None


def test_where_no_trial_can_be_trained_one_line_says_the_first_reason() -> None:
    of = plan(parameters={"objective": "nonsense"}, trials=6)

    with pytest.raises(StepError) as refused:
        searched(of)

    assert str(refused.value) == (
        "search: none of 6 trials could be trained; trial 1: trainer.parameters: lightgbm cannot "
        "train with these parameters on this data: Unknown objective type name: nonsense; correct "
        "them where they were set: in model.yaml or with --set"
    )


def test_own_parameters_that_fail_do_not_end_the_search() -> None:
    space = {"objective": {"choices": ["regression", "gamma"]}}
    found = searched(plan(parameters={"objective": "nonsense"}, space=space, trials=6))

    assert found.trials[0].result.value is None
    assert found.parameters["objective"] in ("regression", "gamma")


def test_a_metric_that_is_not_defined_fails_the_trial() -> None:
    of = plan("binary", trials=3)
    one_class = rows("binary").filter(rows("binary")["target"] == "no")

    with pytest.raises(StepError, match="auc is not defined on the validation rows"):
        search(Prepared.of(of, rows("binary"), one_class), lambda: 0.0, lambda _: None)


def test_minutes_end_the_search_between_batches_only() -> None:
    """The clock is asked once at the start and then before each batch."""
    clock = itertools.chain([0.0, 0.0, 61.0], itertools.repeat(120.0))

    found = searched(plan(minutes=2, trials=40), lambda: next(clock))

    assert len(found.trials) == 1 + 2 * 4
    assert found.document["stopped_by"] == "minutes"
    assert found.document["asked"] == 40


def test_without_minutes_or_within_them_all_trials_are_made() -> None:
    within, without = searched(plan(minutes=2)).document, searched(plan()).document

    assert within == without
    assert without["stopped_by"] is None
    assert len(without["trials"]) == 12


def test_what_came_up_before_is_not_trained_again() -> None:
    said: list[str] = []
    space = {"extra_trees": {"choices": [True, False]}}

    found = searched(plan(space=space, trials=9, parameters={"extra_trees": True}), say=said.append)

    assert len({each.result.value for each in found.trials}) <= 2
    assert len(said) == 9
    assert said[0].startswith("trial 1 of 9: rmse ")
    assert said[0].endswith(", trial 1)")


def test_a_search_leaves_no_warning_and_loads_no_database() -> None:
    """Optuna is imported by a search alone, and SQLAlchemy by nothing: the image has none."""
    asked = (
        "import sys, train.__main__\n"
        "assert 'optuna' not in sys.modules\n"
        "from tests.unit.train.test_search import plan, searched\n"
        "searched(plan(trials=25))\n"
        "names = ('optuna', 'sqlalchemy', 'alembic', 'yaml', 'sklearn', 'pandas')\n"
        "print([name for name in names if sys.modules.get(name)])\n"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert done.stdout == "['optuna']\n"
    assert done.stderr == ""
