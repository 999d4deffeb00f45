"""Facts as messages in chat: whole, short, and nothing in them is taken for formatting."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.report.chat import (
    LONGEST_CONTEXT,
    LONGEST_DESCRIPTION,
    LONGEST_TITLE,
    message,
    notification,
)
from core.report.chat_text import plain
from core.report.fact import EVENTS, Event, Fact, MetricResult
from core.stage.links import Links

LINKS = Links("eu-west-1", "123456789012", "d-1.awsapps.com", "Approver")
RUN = "churn-261130060000-abc"
WAITS = Fact(
    event="release waits",
    key="churn/7",
    stack="kanmon-dev",
    stage="dev",
    at="2026-11-30T06:00:00Z",
    summary="hold: AUC 0.84, it may be worse than the champion",
    model="churn",
    reason="scheduled",
    run=RUN,
    release=7,
    until="2026-12-07T06:00:00Z",
    review_uri="s3://data/releases/churn/7/review.html",
    metric=MetricResult("auc", 0.84, 0.85, -0.01, -0.03, 0.01),
)
HOSTILE = (
    "<!channel> <@U012> <https://evil.example|kanmon> [click](https://evil.example) *all* _of_ "
    "~it~ `code` ```block``` & \\* \u202eevil \x00\x1b[31m\n# heading\n> quote\n- item\n1. item"
)


def content(fact: Fact) -> dict[str, Any]:
    return dict(notification(fact, LINKS)["content"])


def texts(value: Any) -> list[str]:
    """Every text in a document."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts(each)]
    return [text for each in value for text in texts(each)] if isinstance(value, list) else []


def test_a_waiting_release_says_what_is_asked_for_and_where_to_look() -> None:
    assert content(WAITS) == {
        "textType": "client-markdown",
        "title": "✋ kanmon-dev: Release churn/7 waits for approval.",
        "description": "\n".join(
            [
                "hold: AUC 0.84, it may be worse than the champion",
                "",
                "*Model*: churn",
                "*Release*: churn/7",
                f"*Run*: {RUN}",
                "*Reason*: scheduled",
                "*Metric*: AUC 0.84",
                "*Champion*: 0.85",
                "*Difference*: −0.01 (−0.03 to +0.01)",
                "*Until*: 2026-12-07 06:00:00 UTC",
                "*Time*: 2026-11-30 06:00:00 UTC",
            ]
        ),
        "nextSteps": [
            "Read the page: https://d-1.awsapps.com/start/#/console?account_id=123456789012"
            "&amp;role_name=Approver&amp;destination=https%3A%2F%2Feu-west-1.console.aws.amazon.com"
            "%2Fs3%2Fobject%2Fdata%3Fregion%3Deu-west-1%26prefix%3Dreleases%2Fchurn%2F7"
            "%2Freview.html",
            'Decide about churn/7: `kanmon approve churn/7 --stage dev --reason "…"`'
            ' or `kanmon reject churn/7 --stage dev --reason "…"`',
        ],
        "keywords": ["dev", "release waits", "churn"],
    }


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_in_the_form_that_channels_show(event: Event) -> None:
    fact = replace(WAITS, event=event)

    found = json.loads(message(fact, LINKS))

    assert set(found) == {"version", "source", "content", "metadata"}
    assert (found["version"], found["source"]) == ("1.0", "custom")
    assert found["content"]["textType"] == "client-markdown"
    assert found["content"]["title"]
    assert WAITS.summary in found["content"]["description"]
    metadata = found["metadata"]
    assert metadata["eventType"] == event
    assert metadata["enableCustomActions"] is False
    assert metadata["additionalContext"]["severity"] == EVENTS[event]
    # Whatever AWS makes of the rest: there are texts, and lists of texts, and nothing else.
    assert all(isinstance(value, str) for value in metadata["additionalContext"].values())


@given(
    event=st.sampled_from(list(EVENTS)),
    words=st.text() | st.text(alphabet="<>&*_~`[]()!#|\\ ab\n", min_size=50, max_size=5000),
)
def test_whatever_it_says_it_is_within_every_limit(event: Event, words: str) -> None:
    fact = replace(
        WAITS, event=event, model=words, run=words, reason=words, summary=words, by=words, key=words
    )

    found = notification(fact, LINKS)

    assert len(found["content"]["title"]) <= LONGEST_TITLE <= 250
    assert len(found["content"]["description"]) <= LONGEST_DESCRIPTION <= 3000
    assert all(len(step) <= 3000 for step in found["content"]["nextSteps"])
    context = found["metadata"]["additionalContext"]
    assert max(map(len, context.values())) <= LONGEST_CONTEXT
    assert len(found["metadata"].get("threadId", "")) <= LONGEST_CONTEXT
    assert len(message(fact, LINKS).encode()) < 256 * 1024  # what SNS takes


@pytest.mark.parametrize("event", EVENTS)
def test_a_hostile_text_mentions_nobody_hides_no_link_and_formats_nothing(event: Event) -> None:
    fact = replace(
        WAITS, event=event, model=HOSTILE, run=HOSTILE, reason=HOSTILE, summary=HOSTILE, by=HOSTILE
    )
    labels = re.compile(r"^\*[A-Z][a-z]+\*: ", re.MULTILINE)

    for text in texts(notification(fact, LINKS)):
        ours = labels.sub("", text)
        assert "<" not in ours
        assert ">" not in ours
        assert not re.search(r"&(?!amp;|lt;|gt;)", ours)
        assert not set("*~[]\\\u202e\x00\x1b") & set(ours)
        assert not re.search(r"(?<![a-zA-Z0-9])_|_(?![a-zA-Z0-9])", ours)
        assert not re.search(r"^(#+|-|\d+\.)\s", ours, re.MULTILINE)
        # Backquotes are around the commands that we name, and nowhere else.
        assert ours.count("`") in ((0, 2, 4) if text in content(fact)["nextSteps"] else (0,))


@given(st.text(min_size=1), st.integers(2, 60))
def test_a_text_is_never_cut_within_an_entity(words: str, limit: int) -> None:
    found = plain(words + "&<>" * limit, limit)

    assert len(found) <= limit
    assert re.fullmatch(r"([^&<>]|&(amp|lt|gt);)*", found)


def test_a_text_that_is_shown_reads_as_it_was_written() -> None:
    written = "mean of shell_weight < 0.5 & age > 3 (run churn-1-a, 2.5 %, C:/data/a_b.csv)"

    assert html.unescape(plain(written, 500)) == written


def test_a_long_summary_is_cut_and_the_facts_below_it_are_not() -> None:
    fact = replace(WAITS, summary="\n".join(["a line of a digest & more"] * 500))

    described = content(fact)["description"]

    assert described.endswith("*Time*: 2026-11-30 06:00:00 UTC")
    assert described.splitlines()[0] == "a line of a digest &amp; more"
    assert "…" in described


def test_no_address_decides_anything() -> None:
    """Everybody who sees a link may open it, and programs open it ahead of them."""
    for event in EVENTS:
        found = message(replace(WAITS, event=event, execution="1-2-3"), LINKS)
        addresses = re.findall(r"https://[^\s\"\\`]+", found)
        assert all(one.startswith("https://d-1.awsapps.com/start/#/console?") for one in addresses)
        assert not [one for one in addresses if re.search("approv(?!er)|reject|Result", one)]


def thread(fact: Fact) -> str | None:
    return notification(fact, LINKS)["metadata"].get("threadId")


def test_what_belongs_to_one_release_is_one_thread() -> None:
    promoted = replace(WAITS, event="release promoted", run=None)

    assert thread(WAITS) == thread(promoted) == "kanmon-dev/churn/7"
    assert thread(replace(WAITS, release=8)) == "kanmon-dev/churn/8"
    batch = replace(WAITS, event="batch done", run=None, release=None, batch="churn-1-b")
    assert thread(batch) == "kanmon-dev/churn-1-b"


def test_an_error_and_a_reminder_begin_a_message_of_their_own() -> None:
    begins = {event for event in EVENTS if thread(replace(WAITS, event=event)) is None}

    errors = {event for event, severity in EVENTS.items() if severity == "error"}
    assert begins == {*errors, "release reminder"}


def test_a_fact_about_the_stage_names_the_stage_and_no_model() -> None:
    fact = Fact("budget reached", "2026-11", "kanmon-dev", "dev", WAITS.at, "250 of 250 dollars")

    found = notification(fact, LINKS)

    assert found["content"]["title"] == "⚠️ kanmon-dev: The budget of stage dev is reached."
    assert found["content"]["nextSteps"] == [
        "See what was spent: `kanmon cost --stage dev`",
    ]
    assert found["content"]["keywords"] == ["dev", "budget reached"]
    assert "threadId" not in found["metadata"]
    assert "model" not in found["metadata"]["additionalContext"]


def test_every_event_that_there_is_was_tried() -> None:
    assert set(get_args(Event)) == set(EVENTS)
