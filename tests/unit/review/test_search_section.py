"""The review page of a run that searched: what was tried, what mattered, what to believe."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.review.page import render
from core.review.rendering import LARGEST_PAGE
from core.words.language import Speech, speaking
from tests.support.hostile_documents import HOSTILE, anything
from tests.support.reading_page import Element, headings, read, rows_of
from tests.support.sample_documents import documents

TRIALS: dict[str, Any] = {
    "format": 1,
    "metric": "rmse",
    "better": "lower",
    "asked": 4,
    "batch": 4,
    "seed": 7,
    "stopped_by": None,
    "best": 3,
    "own": {"learning_rate": 0.05, "objective": None},
    "importance": {"learning_rate": 0.8, "objective": 0.2},
    "trials": [
        {"number": 1, "state": "complete", "parameters": {}, "value": 2.135, "rounds": 90},
        {
            "number": 2,
            "state": "failed",
            "parameters": {"learning_rate": 0.3, "objective": "nonsense"},
            "value": None,
            "rounds": None,
            "reason": "trainer.parameters.objective: 'nonsense' is not an objective",
        },
        {
            "number": 3,
            "state": "complete",
            "parameters": {"learning_rate": 0.0213307, "objective": "gamma"},
            "value": 2.101,
            "rounds": 310,
        },
        {
            "number": 4,
            "state": "complete",
            "parameters": {"learning_rate": 0.28, "objective": "regression"},
            "value": 2.25,
            "rounds": 20,
        },
    ],
    "versions": {"optuna": "5.0.0"},
}


def page_of(**changes: Any) -> Element:
    return read(render(**documents("regression"), trials={**TRIALS, **changes}))


def words(page: Element) -> str:
    return " ".join(page.text.split())


def test_a_run_without_a_search_has_no_such_section() -> None:
    assert "Search for parameters" not in headings(read(render(**documents("regression"))))
    assert "Search for parameters" in headings(page_of())


def test_the_summary_compares_the_best_trial_with_the_own_parameters_and_names_failures() -> None:
    assert (
        "4 trials were tried, with the parameters of model.yaml first. The best is trial 3: RMSE "
        "2.101 on the validation rows, against 2.135 with the parameters of model.yaml. 1 trial "
        "failed, first trial 2: trainer.parameters.objective: 'nonsense' is not an objective."
    ) in words(page_of())


def test_the_reader_is_told_that_the_value_is_too_good_and_the_result_repeatable() -> None:
    told = words(page_of())

    assert "so its value on them is better than it deserves" in told
    assert "The same input gives the same trials and the same model." in told


def test_a_search_that_its_minutes_ended_is_said_not_to_be_repeatable() -> None:
    told = words(page_of(stopped_by="minutes", asked=50))

    assert "Its minutes ended the search after 4 of 50 trials." in told
    assert "this result is not repeatable" in told
    assert "gives the same trials" not in told


def test_where_the_own_parameters_are_best_nothing_is_said_to_be_found() -> None:
    told = words(page_of(best=1))

    assert "None is better on the validation rows than the first" in told


def test_where_the_own_parameters_failed_there_is_nothing_to_compare_with() -> None:
    failed = [{**TRIALS["trials"][0], "value": None, "reason": "no"}, *TRIALS["trials"][1:]]

    assert "With the parameters of model.yaml, trial 1, no model could be trained." in words(
        page_of(trials=failed)
    )


def test_the_parameters_found_stand_beside_those_of_model_yaml() -> None:
    assert rows_of(page_of(), "search-winner") == [
        ["learning_rate", "0.0213307", "0.05"],
        ["objective", "gamma", "not set"],
    ]


def test_the_best_trials_are_listed_the_best_first() -> None:
    assert rows_of(page_of(), "search-best") == [
        ["3", "2.101", "310", "learning_rate 0.0213307; objective gamma"],
        ["1", "2.135", "90", "those of model.yaml"],
        ["4", "2.250", "20", "learning_rate 0.28; objective regression"],
    ]
    higher = page_of(better="higher", metric="r2")
    assert [row[0] for row in rows_of(higher, "search-best")] == ["4", "1", "3"]


def test_more_than_ten_are_counted() -> None:
    many = [{**TRIALS["trials"][0], "number": at, "value": 2 + at / 100} for at in range(1, 41)]
    page = page_of(trials=many, best=1)

    assert len(rows_of(page, "search-best")) == 10
    assert "30 trials not shown; see trials.json" in words(page)


def test_without_enough_trials_nothing_is_said_to_have_mattered() -> None:
    assert "What mattered" in words(page_of())
    assert "What mattered" not in words(page_of(importance=None))


def test_the_section_is_said_in_japanese() -> None:
    with speaking(Speech("ja")):
        page = page_of(stopped_by="minutes")

    assert "パラメータの探索" in headings(page)
    assert "再現できません" in page.text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_and_values_stay_text(hostile: str) -> None:
    trials = [
        {**each, "parameters": {hostile: hostile}, "reason": hostile} for each in TRIALS["trials"]
    ]

    page_of(metric=hostile, trials=trials, own={hostile: hostile}, importance={hostile: 0.4})


def test_a_thousand_trials_of_long_names_still_fit() -> None:
    parameters = {f"{'n' * 200}{at}": "v" * 300 for at in range(32)}
    trials = [
        {"number": at, "state": "complete", "parameters": parameters, "value": at, "rounds": 9}
        for at in range(1, 1001)
    ]
    page = render(
        **documents("regression"), trials={**TRIALS, "trials": trials, "own": parameters, "best": 9}
    )

    assert len(page.encode()) < LARGEST_PAGE
    read(page)


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(parts=st.fixed_dictionaries(dict.fromkeys(TRIALS, anything)))
def test_any_trials_give_a_well_formed_page(parts: dict[str, Any]) -> None:
    page_of(**parts)


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(number=anything, value=anything, parameters=anything)
def test_any_trial_gives_a_well_formed_page(number: Any, value: Any, parameters: Any) -> None:
    odd = {"number": number, "value": value, "parameters": parameters, "rounds": value}
    page_of(trials=[*TRIALS["trials"], odd])
