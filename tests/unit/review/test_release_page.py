"""The review page of a release: which one it is, how it is decided, what exactly would be live."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.review.page import render
from core.review.rendering import LARGEST_PAGE
from tests.support.hostile_documents import HOSTILE, anything
from tests.support.reading_page import Element, headings, read, rows_of
from tests.support.sample_documents import documents, huge

RELEASE: dict[str, Any] = {
    "number": 7,
    "opened_at": "2026-11-21T06:08:00Z",
    "approval": "manual",
    "package_arn": "arn:aws:sagemaker:eu-west-1:1:model-package/kanmon-abalone/9",
    "digests": {"Model file": "a" * 64, "Golden records": "b" * 64, "Serving code": "c" * 64},
}
COST = {"seconds": {"preprocess": 0.4, "train": 2.9, "evaluate": 1.1}, "usd": 0.000141}


def page_of(task: str = "regression", **changes: Any) -> Element:
    return read(render(**documents(task) | {"release": RELEASE, "cost": COST} | changes))


def only(page: Element) -> str:
    (found,) = (each for each in page.all("p") if each.attributes.get("class") == "only")
    return " ".join(found.text.split())


def test_the_page_is_named_after_the_release_and_begins_with_the_verdict() -> None:
    page = page_of()

    assert headings(page)[:2] == ["abalone/7", "Verdict: promote"]
    title, *_ = page.all("title")  # the drawings have titles, too
    assert title.text == "Promote: abalone/7 – Kanmon review"


def test_it_says_where_the_release_is_decided_and_decides_nothing_itself() -> None:
    page = page_of()

    assert only(page) == (
        "This page is read-only. Approve or reject the release in its pipeline, in the model "
        'registry, or with kanmon approve abalone/7 --reason "…" or kanmon reject abalone/7 '
        '--reason "…".'
    )
    assert page.all("form", "button", "input", "script") == []


def test_an_automatic_release_says_that_it_needs_no_decision() -> None:
    assert "needs no approval" in only(page_of(release={**RELEASE, "approval": "automatic"}))


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("promote", "open the review page of this candidate's release"),
        ("hold", "open the review page of this candidate's release"),
        ("reject", "A rejected candidate opens no release"),
    ],
)
def test_the_page_of_a_run_decides_about_no_release(verdict: str, words: str) -> None:
    sample = documents("regression")
    sample["verdict"] = {**sample["verdict"], "verdict": verdict}

    assert words in only(read(render(**sample)))


def test_the_lineage_names_what_would_be_live() -> None:
    rows = {row[0]: row[1] for row in rows_of(page_of(), "lineage-table")}

    assert rows["Release"].startswith("abalone/7")
    assert rows["Package in the registry"] == RELEASE["package_arn"]
    assert rows["Model file, sha256"] == "a" * 64
    assert rows["Golden records, sha256"] == "b" * 64
    assert rows["Serving code, sha256"] == "c" * 64
    assert rows["Release opened"] == "2026-11-21 06:08:00 UTC"


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (COST, "On AWS the three steps cost about 0.0001 US dollars"),
        ({"usd": 12.345}, "cost about 12.35 US dollars"),
        ({"usd": None}, "The cost is not estimated"),
        ({}, "The cost is not estimated"),
    ],
)
def test_the_cost_is_estimated_or_said_to_be_unknown(cost: dict[str, Any], words: str) -> None:
    assert words in " ".join(page_of(cost=cost).text.split())


def test_what_a_spot_machine_saved_is_said_of_its_run() -> None:
    cost = {"usd": 0.005, "saved_usd": 0.015}
    verdict = documents("regression")["verdict"] | {"sizing": {"train": {"saved": 0.75}}}

    page = " ".join(page_of(cost=cost, verdict=verdict).text.split())

    assert "A spot machine for Train saved about 0.0150 US dollars, 75 % of what it would" in page
    assert "A spot machine" not in page_of(cost=cost).text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_stay_text(hostile: str) -> None:
    sample = documents("binary")
    sample["run_plan"]["model"] = hostile
    release = {
        "number": 7,
        "opened_at": hostile,
        "approval": hostile,
        "package_arn": hostile,
        "digests": {hostile: hostile},
    }

    # Reading it fails on any element, attribute or address that the page may not have.
    read(render(**sample | {"release": release, "cost": {"usd": hostile}}))


@pytest.mark.parametrize("name", ["n" * 300, '"' * 4000, "\x01" * 900])
def test_a_huge_release_still_fits(name: str) -> None:
    release = {**RELEASE, "digests": {f"{name}{place}": name for place in range(60)}}

    page = render(**huge("binary", name) | {"release": release, "cost": COST})

    assert len(page.encode()) < LARGEST_PAGE
    read(page)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(release=anything, cost=anything)
def test_any_record_gives_a_well_formed_page(release: Any, cost: Any) -> None:
    read(render(**documents("regression") | {"release": release, "cost": cost}))


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(parts=st.fixed_dictionaries(dict.fromkeys(RELEASE, anything)))
def test_a_broken_part_of_the_record_is_shown_as_not_reported(parts: dict[str, Any]) -> None:
    read(render(**documents("regression") | {"release": parts, "cost": COST}))
