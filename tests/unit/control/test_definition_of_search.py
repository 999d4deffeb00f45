"""The key `search` of model.yaml: what may be searched, and the one line for each mistake."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.plan import Dimension as PlanDimension
from contract.plan import Plan
from core.definition.parse import DefinitionError, apply_parameters, parse_definition
from core.definition.schema import ModelDefinition
from core.definition.search import Dimension, Search
from tests.support.training_cases import document

SHORT = """name: wine
task: regression
target: quality
features: [{name: alcohol, kind: numeric}]
metrics: {primary: rmse}
"""
GOOD = """
search:
  space:
    learning_rate: {low: 0.01, high: 0.3, log: true}
    num_leaves: {low: 7, high: 127}
    objective: {choices: [gamma, regression]}
"""


def parsed(keys: str) -> ModelDefinition:
    return parse_definition(SHORT + keys, "model.yaml")


def problem(keys: str) -> str:
    """The single problem of a definition with these keys, without the line."""
    with pytest.raises(DefinitionError) as raised:
        parsed(keys)
    [only] = raised.value.problems
    return only.partition(", ")[2]


def of(space: str, more: str = "") -> str:
    return f"{more}\nsearch: {{space: {{{space}}}}}"


def test_a_search_has_a_space_and_defaults() -> None:
    found = parsed(GOOD).search

    assert found == Search(
        trials=50,
        minutes=None,
        batch=4,
        space={
            "learning_rate": Dimension(low=0.01, high=0.3, log=True),
            "num_leaves": Dimension(low=7, high=127),
            "objective": Dimension(choices=["gamma", "regression"]),
        },
    )


def test_a_definition_without_the_key_is_written_as_before_there_was_one() -> None:
    assert "search" not in parsed("").model_dump(mode="json")


def test_the_step_reads_what_was_written() -> None:
    written = document()
    written["definition"]["content"]["search"] = parsed(GOOD).model_dump(mode="json")["search"]

    found = Plan.from_document(written).search

    assert found is not None
    assert (found.trials, found.batch, found.minutes) == (50, 4, None)
    assert found.space == {
        "learning_rate": PlanDimension(0.01, 0.3, log=True),
        "num_leaves": PlanDimension(7, 127),
        "objective": PlanDimension(choices=("gamma", "regression")),
    }
    assert isinstance(found.space["num_leaves"].low, int)


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (
            "learning_rat: {low: 0.01, high: 0.3}",
            "learning_rat: lightgbm has no such parameter for training; did you mean "
            "learning_rate?",
        ),
        ("learning_rat: {}", "learning_rat: lightgbm has no such parameter for training; did you "
         "mean learning_rate?"),
        (
            "learning_rate: {low: 0.3, high: 0.01}",
            "learning_rate.low: 0.3 is not below high, 0.01; swap or correct them",
        ),
        (
            "learning_rate: {low: 0.1, high: 0.1}",
            "learning_rate.low: 0.1 is not below high, 0.1; swap or correct them",
        ),
        (
            "learning_rate: {low: 0.0, high: 0.1, log: true}",
            "learning_rate.low: 0 has no logarithm; write a number above 0, or remove log",
        ),
        (
            "lambda_l2: {low: 0, high: 10}",
            "lambda_l2.high: 10 and low are whole numbers, between which only whole numbers are "
            "tried; write 10.0 for any number, or choices",
        ),
        (
            "num_leaves: {low: 7.5, high: 127}",
            "num_leaves.low: 7.5 is not a whole number; write a whole number, without quotes",
        ),
        (
            "objective: {low: 1.0, high: 2.0}",
            'objective: has no lowest and highest value; write choices: ["a", "b"]',
        ),
        (
            "extra_trees: {low: 0, high: 1}",
            "extra_trees: has no lowest and highest value; write choices: [true, false]",
        ),
        (
            "objective: {choices: [gamma, 3]}",
            "objective.choices[1]: 3 is of another type than 'gamma'; write one type",
        ),
        (
            "num_leaves: {choices: [7, many]}",
            "num_leaves.choices[1]: 'many' is not a whole number; write a whole number, without "
            "quotes",
        ),
        (
            "objective: {choices: [gamma, gamma]}",
            "objective.choices[1]: 'gamma' is named twice; remove one",
        ),
        (
            "objective: {choices: [gamma]}",
            "objective.choices: leaves nothing to choose; name two or more, or set it in "
            "trainer.parameters",
        ),
        (
            f"num_leaves: {{choices: {list(range(2, 40))}}}",
            "num_leaves.choices: has 38 values; name at most 32, or write low and high",
        ),
        (
            "num_leaves: {choices: [7, 9], high: 12}",
            "num_leaves: has choices, and low, high or log; write {low: 1, high: 10} or "
            "{choices: [1, 10]}",
        ),
        (
            "num_leaves: {low: 7}",
            "num_leaves: has no choices, and not both low and high; write {low: 1, high: 10} or "
            "{choices: [1, 10]}",
        ),
        (
            "seed: {low: 1, high: 9}",
            "seed: lightgbm takes it from trainer.seed; set that instead",
        ),
        ("num_leaves: {lo: 7, high: 127}", "num_leaves.lo: unknown key; did you mean low?"),
        (
            "num_leaves: {low: '7', high: 127}",
            "num_leaves.low: '7' is not a number; write one, without quotes",
        ),
        (
            "learning_rate: {low: 0.1, high: .inf}",
            "learning_rate.high: inf is not a number; write one, without quotes",
        ),
        (
            "num_leaves: 31",
            "num_leaves: 31 is not a mapping; write {low: …, high: …, log: …, choices: …}",
        ),
        (
            "eta: {low: 0.1, high: 0.2}, learning_rate: {low: 0.1, high: 0.2}",
            "learning_rate: is another name of eta, which is in search.space; use one name",
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_the_space_is_one_line_with_the_fix(space: str, words: str) -> None:
    assert problem(of(space)) == f"search.space.{words}"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("search: {}", "search.space: is missing; add it"),
        ("search: {space: {}}", "search.space: is empty; write at least 1"),
        ("search: {spce: {eta: {low: 0.1, high: 0.2}}}", "search.spce: unknown key; did you mean "
         "space?"),
        ("search: {trials: 1, space: {eta: {low: 0.1, high: 0.2}}}", "search.trials: 1 is less "
         "than 2; write 2 or more"),
        ("search: {minutes: 120, space: {eta: {low: 0.1, high: 0.2}}}", "search.minutes: 120 is "
         "not below resources.train.timeout_minutes, which ends Train after 120; write less, or "
         "raise that"),
        (of("eta: {low: 0.1, high: 0.2}", "compute: {train: {hosts: 2}}"), "compute.train: "
         "searches on one machine; write processing, or remove search"),
        (of("eta: {low: 0.1, high: 0.2}", "trainer: {parameters: {learning_rate: 0.1}}"),
         "search.space.eta: is another name of learning_rate, which is in trainer.parameters; use "
         "one name"),
    ],
)  # fmt: skip
def test_a_search_that_contradicts_the_rest_is_one_line_with_the_fix(keys: str, words: str) -> None:
    assert problem(keys) == words


def test_a_parameter_of_the_trainer_may_be_searched_and_is_where_the_search_begins() -> None:
    own = "trainer: {parameters: {learning_rate: 0.5}}"

    assert parsed(own + GOOD).trainer.parameters == {"learning_rate": 0.5}


def test_what_a_run_sets_is_not_searched_in_it() -> None:
    set_one = apply_parameters(parsed(GOOD), {"num_leaves": 31, "rounds": 50})

    assert set_one.search is not None
    assert list(set_one.search.space) == ["learning_rate", "objective"]
    assert set_one.trainer.parameters == {"num_leaves": 31}
    every = {"num_leaves": 31, "learning_rate": 0.1, "objective": "gamma"}
    without = apply_parameters(parsed(GOOD), every)
    assert without.search is None
    # Such a run is that of a definition which never searched.
    plain = apply_parameters(parsed(""), every)
    assert without.model_dump_json() == plain.model_dump_json()


def test_a_run_may_not_set_a_searched_parameter_by_another_name() -> None:
    with pytest.raises(DefinitionError) as raised:
        apply_parameters(parsed(GOOD), {"eta": 0.1})

    assert raised.value.problems == [
        "the run's parameters, search.space.learning_rate: is another name of eta, which is in "
        "trainer.parameters; use one name"
    ]


numbers = st.floats(-1e6, 1e6) | st.integers(-1000, 1000)


@given(low=numbers, high=numbers, log=st.booleans())
def test_a_range_is_taken_exactly_where_it_has_a_value_to_try(
    low: float, high: float, log: bool
) -> None:
    """Of a parameter that takes any number, with an end that is not whole."""
    high = float(high)
    space = f"lambda_l2: {{low: {low!r}, high: {high!r}, log: {str(log).lower()}}}"
    wanted = low < high and not (log and low <= 0)
    found: Any
    try:
        found = parsed(of(space)).search
    except DefinitionError as refused:
        found = None
        assert len(refused.problems) in (1, 2)

    assert (found is not None) == wanted
    if found is not None:
        assert math.isclose(found.space["lambda_l2"].high, high)
