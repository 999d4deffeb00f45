"""The review page of hostile, broken, huge and random documents."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.review.page import render
from tests.support.hostile_documents import HOSTILE, anything, texts
from tests.support.reading_page import headings, read, rows_of
from tests.support.sample_documents import documents, huge
from tests.support.sample_models import TASKS

# Keys whose values are words of our own: the gate, the steps and the definition check them.
OWN_WORDS = {"task", "primary", "metrics", "kind", "metric", "outcome", "verdict", "library"}


def renamed(value: Any, write: Callable[[], str]) -> Any:
    """A document with every foreign text in it written anew."""
    if isinstance(value, dict):
        return {
            key: inner if key in OWN_WORDS else renamed(inner, write)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [renamed(inner, write) for inner in value]
    return write() if isinstance(value, str) else value


@cache
def skeleton(task: str, *names: str) -> list[object]:
    """The page around these texts, which stand where foreign ones stand."""
    numbered = (f"{name}{place}" for place, name in enumerate(itertools.cycle(names)))
    return read(render(**renamed(documents(task), lambda: next(numbered)))).skeleton()


@pytest.mark.parametrize("hostile", [*([each] for each in HOSTILE), HOSTILE])
def test_foreign_text_never_changes_the_page_around_it(hostile: list[str]) -> None:
    for task in TASKS if hostile is HOSTILE else ["binary"]:
        assert skeleton(task, *hostile) == skeleton(task, "name ")


def test_foreign_keys_are_only_text_too() -> None:
    sample = documents("regression")
    for hostile in HOSTILE:
        sample["run_plan"]["images"][hostile] = hostile
        sample["run_plan"]["parameters"][hostile] = hostile
        sample["champion_definition"][hostile] = {hostile: [hostile]}
        sample["preprocess"]["rejected"].append({hostile: hostile})
        sample["evaluation"]["metrics"].append(hostile)
        sample["evaluation"]["candidate"]["metrics"][hostile] = {"value": 1}

    read(render(**sample))


def test_text_that_could_mislead_is_made_visible() -> None:
    sample = documents("regression")
    sample["run_plan"]["model"] = "evil\u202emoc\x00\ud800\u00ad"

    assert headings(read(render(**sample)))[0] == "evil[U+202E]moc[U+0000][U+D800][U+00AD]"


def test_long_names_that_differ_at_their_ends_stay_apart() -> None:
    sample = documents("regression")
    sample["evaluation"]["segments"] = [
        {**sample["evaluation"]["segments"][0], "value": "x" * 4000 + end} for end in "ab"
    ]

    names = [row[0] for row in rows_of(read(render(**sample)), "segments-1-table")]
    assert len(set(names)) == 2


# The middle two are the dearest to escape; "binary" has the most sections.
@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("regression", "n" * 300),
        ("binary", '"' * 4000),
        ("binary", "\x01" * 900),
        ("multiclass", "😀&" * 900),
    ],
)
def test_a_huge_run_still_fits_and_says_what_it_leaves_out(task: str, name: str) -> None:
    page = read(render(**huge(task, name)))

    assert re.search(r"[\d,]+ segments not shown; see evaluation.json", page.text)
    assert re.search(r"[\d,]+ rules not shown; all of them passed", page.text)


BROKEN: list[Any] = [None, {}, [], "text", 3, {"metrics": {"rmse": "high"}}]


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_documents_are_shown_as_not_reported(broken: Any) -> None:
    sample = documents("regression")
    for key in ("training", "preprocess", "champion_definition", "evaluation", "run_plan"):
        assert read(render(**sample | {key: broken}))


def test_any_broken_part_of_an_evaluation_is_shown_as_not_reported() -> None:
    sample = documents("regression")
    # Many breaks give the same page, and reading is dear: each page is read once.
    pages = {
        render(**sample | {"evaluation": sample["evaluation"] | {key: broken}})
        for key in sample["evaluation"]
        for broken in BROKEN
    }
    for page in pages:
        read(page)


numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers()


def reseeded(value: Any, draw: Callable[[st.SearchStrategy[Any]], Any]) -> Any:
    """A document of the same shape with other numbers and texts in it."""
    if isinstance(value, dict):
        return {
            key: inner if key in OWN_WORDS else reseeded(inner, draw)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [reseeded(inner, draw) for inner in value]
    if isinstance(value, str):
        return draw(texts)
    return value if isinstance(value, bool) or value is None else draw(numbers)


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_numbers_and_texts_give_a_well_formed_page(task: str, data: st.DataObject) -> None:
    sample = documents(task, champion=data.draw(st.booleans()))
    # Few draws, used over and over: the shape has hundreds of leaves.
    drawn = itertools.cycle(data.draw(st.lists(numbers, min_size=7, max_size=40)))
    words = itertools.cycle(data.draw(st.lists(texts, min_size=3, max_size=9)))

    def draw(strategy: st.SearchStrategy[Any]) -> Any:
        return next(words) if strategy is texts else next(drawn)

    read(render(**{key: reseeded(value, draw) for key, value in sample.items()}))


@pytest.mark.parametrize("name", ["", " ", "_"])
def test_a_name_of_nothing_but_space_leaves_no_heading_empty(name: str) -> None:
    sample = documents("binary")
    sample["evaluation"]["metrics"] = ["auc", name]
    sample["run_plan"]["model"] = sample["evaluation"]["model"] = name

    assert "unnamed metric" in read(render(**sample)).text.lower()


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_documents_at_all_give_a_well_formed_page(data: st.DataObject) -> None:
    sample = documents("binary")
    for part in ("run_plan", "evaluation", "verdict", "training", "preprocess"):
        whole = sample[part]
        for key in data.draw(st.lists(st.sampled_from(sorted(whole)), max_size=4)):
            whole[key] = data.draw(anything)

    read(render(**sample))
