"""Facts as documents: what every event's detail holds, and what is no fact."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.report.fact import EVENTS, Event, Fact, FactError, MetricResult, read, read_stored

FACT = Fact(
    event="release waits",
    key="abalone/7",
    stack="kanmon-dev",
    stage="dev",
    at="2026-11-21T06:00:00Z",
    summary="hold: it may be worse than the champion",
    model="abalone",
    reason="monthly schedule",
    run="abalone-261121055501-x7k",
    release=7,
    verdict="hold",
    approval="manual",
    package_arn="arn:aws:sagemaker:eu-west-1:1:model-package/kanmon-dev-abalone/4",
    review_uri="s3://bucket/releases/abalone/7/review.html",
    execution="11111111-2222-4333-8444-555555555555",
    metric=MetricResult("rmse", 2.1, 2.15, -0.05, -0.11, 0.01),
)


def test_a_facts_document_has_every_key() -> None:
    assert FACT.document() == {
        "format": 1,
        "id": "kanmon-dev/release waits/abalone/7",
        "event": "release waits",
        "severity": "action",
        "stack": "kanmon-dev",
        "stage": "dev",
        "model": "abalone",
        "at": "2026-11-21T06:00:00Z",
        "summary": "hold: it may be worse than the champion",
        "reason": "monthly schedule",
        "run": "abalone-261121055501-x7k",
        "batch": None,
        "monitoring": None,
        "release": 7,
        "verdict": "hold",
        "approval": "manual",
        "error": None,
        "by": None,
        "until": None,
        "package_arn": FACT.package_arn,
        "review_uri": FACT.review_uri,
        "execution": FACT.execution,
        "metric": {
            "name": "rmse",
            "candidate": 2.1,
            "champion": 2.15,
            "difference": -0.05,
            "low": -0.11,
            "high": 0.01,
        },
    }


@pytest.mark.parametrize("event", get_args(Event))
def test_a_fact_is_read_back_from_its_document(event: Event) -> None:
    fact = replace(FACT, event=event)

    assert read(json.loads(json.dumps(fact.document()))) == fact
    assert fact.severity == EVENTS[event]


@given(text=st.text(min_size=1), summary=st.text(min_size=1).filter(str.isprintable))
def test_whatever_a_facts_texts_hold_its_document_is_small_and_on_its_lines(
    text: str, summary: str
) -> None:
    fact = replace(
        FACT, reason=text * 5000, error=text, by=text, summary=f"a\x07\n\n{summary}\r\nb"
    )

    document = json.dumps(fact.document()).encode()

    known = read(json.loads(document))
    assert len(document) < 200_000
    assert all(value is None or value.isprintable() for value in (known.reason, known.error))
    assert "\x07" not in known.summary
    assert [known.summary[0], known.summary[-1]] == ["a", "b"]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"format": 2}, "the detail's format is 2"),
        ({"event": "release waiting"}, 'the detail\'s event is "release waiting"'),
        ({"event": ["late"]}, "the detail's event is"),
        ({"severity": "info"}, "the detail's severity"),  # the event's is another
        ({"summary": ""}, "the detail's summary"),
        ({"summary": None}, "the detail's summary"),
        ({"model": 7}, "the detail's model is 7"),
        ({"at": "yesterday"}, "the detail's at"),
        ({"release": True}, "the detail's release is true"),
        ({"release": "7"}, "the detail's release"),
        ({"id": "another/release waits/x"}, "the detail's id"),
        ({"metric": {"name": "rmse"}}, "the metric is"),
        ({"metric": {**FACT.document()["metric"], "low": "0"}}, "the metric is"),
        ({"colour": "red"}, "the detail has colour, which no fact has"),
    ],
)
def test_what_is_no_fact_is_refused_and_named(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(FactError) as refused:
        read({**FACT.document(), **changed})

    assert says in str(refused.value)


def test_a_detail_without_a_key_is_refused() -> None:
    document = FACT.document()
    del document["until"]

    with pytest.raises(FactError, match="the detail has no until"):
        read(document)
    with pytest.raises(FactError, match="not a JSON object"):
        read([document])


def test_a_metric_that_is_not_a_number_is_null_in_the_document() -> None:
    metric = replace(FACT.metric or MetricResult("rmse"), candidate=float("nan"))

    written = replace(FACT, metric=metric).document()

    assert written["metric"]["candidate"] is None
    json.dumps(written, allow_nan=False)


@pytest.mark.parametrize(
    ("event", "approval", "mailed"),
    [
        ("candidate registered", "manual", False),  # the release that waits says it
        ("candidate registered", "automatic", True),
        ("candidate registered", None, True),  # rejected: no release
        ("release approved", "manual", True),
        ("release approved", "automatic", False),  # nobody decided
        ("nothing new", None, False),
        ("release superseded", "manual", False),  # by one that waits, or was promoted
        ("release waits", "manual", True),
        ("run stopped", None, True),
    ],
)
def test_what_another_fact_says_too_is_not_mailed(
    event: Event, approval: str | None, mailed: bool
) -> None:
    assert replace(FACT, event=event, approval=approval).mailed is mailed


def test_a_stored_fact_of_another_version_is_read_as_far_as_it_can_be() -> None:
    document = FACT.document()
    newer = {**document, "mood": "good"}
    older = {name: value for name, value in document.items() if name != "by"}

    assert read_stored(newer) == FACT
    assert read_stored(older) == replace(FACT, by=None)
    assert read_stored({**document, "event": "moon full"}) is None
    assert read_stored("fact") is None


def test_an_empty_line_sets_the_parts_of_a_digest_apart() -> None:
    fact = replace(FACT, event="digest", summary="Days\n\nRan\n- a\n\n \n\nWaits\n- b\n\n")

    assert fact.document()["summary"] == "Days\n\nRan\n- a\n\nWaits\n- b"
