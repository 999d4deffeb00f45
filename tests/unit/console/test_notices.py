"""The console's page of notices: filtered by its address, linked, and nothing in it is markup."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from core.report.fact import Fact
from kanmon.console.app import make_app
from kanmon.console.guard import Guard
from kanmon.notices import records
from kanmon.notices.records import Notice
from kanmon.terminal.invocation import Invocation

OWN = "http://127.0.0.1:8000"
HOSTILE = "<script>alert(1)</script>\" onfocus='x' {{ 7 * 7 }}"
AT = "2026-11-30T06:00:00Z"


def notice(event: Any, number: int, sent: dict[str, str] | None = None, **named: Any) -> Notice:
    more = {"model": "churn", "summary": f"summary {number}", **named}
    fact = Fact(event, str(number), "kanmon-dev", "dev", AT, **more).document()
    return Notice(f"{AT}#{number}", fact, sent or {})


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[Notice]:
    """What the stage lists, the newest last."""
    found: list[Notice] = []
    monkeypatch.setattr(records, "notices_since", lambda connection, at: found)
    monkeypatch.setattr(Invocation, "connection", None)
    return found


@pytest.fixture
def browser(listed: list[Notice]) -> FlaskClient:
    guard = Guard(8000)
    client = make_app(Invocation(), guard).test_client()
    client.get("/", base_url=OWN, query_string={"key": guard.key})
    return client


def page(browser: FlaskClient, **asked: str) -> str:
    return browser.get("/notices", base_url=OWN, query_string=asked).text


def test_the_newest_comes_first_with_where_it_was_sent(
    browser: FlaskClient, listed: list[Notice]
) -> None:
    listed += [notice("run failed", 1, {"mail": AT}), notice("late", 2, {"mail": AT, "chat": AT})]

    found = page(browser)

    assert found.index("summary 2") < found.index("summary 1")
    assert '<td data-label="Sent to">mail, chat</td>' in found
    assert '<span class="word bad">error</span>' in found


@pytest.mark.parametrize(
    ("about", "link"),
    [
        ({"release": 7, "run": "churn-1-a"}, '<a href="/models/churn/releases/7">churn/7</a>'),
        ({"run": "churn-1-a"}, '<a href="/runs/churn-1-a">churn-1-a</a>'),
        ({"batch": "churn-1-b"}, '<a href="/batches/churn-1-b">churn-1-b</a>'),
        (
            {"monitoring": "churn-1-m", "review_uri": "s3://data/page.html"},
            '<a href="/models/churn/monitorings/churn-1-m">churn-1-m</a>',
        ),
        # One that failed left no page.
        ({"monitoring": "churn-1-m"}, '<a href="/models/churn">churn-1-m</a>'),
        ({}, '<a href="/models/churn">churn</a>'),
        ({"model": None}, '<td data-label="About">the stage</td>'),
    ],
)
def test_a_notice_leads_to_the_page_of_what_it_is_about(
    browser: FlaskClient, listed: list[Notice], about: dict[str, Any], link: str
) -> None:
    listed.append(notice("late", 1, **about))

    assert link in page(browser)


def test_the_address_chooses_a_model_and_an_event(
    browser: FlaskClient, listed: list[Notice]
) -> None:
    listed += [
        notice("run failed", 1),
        notice("late", 2),
        notice("late", 3, model="wine"),
        notice("budget reached", 4, model=None),
    ]

    def shown(**asked: str) -> set[int]:
        found = page(browser, **asked)
        return {number for number in range(1, 5) if f"summary {number}" in found}

    assert shown() == {1, 2, 3, 4}
    assert shown(model="churn", event="") == {1, 2}
    assert shown(event="late") == {2, 3}
    assert shown(model="wine", event="late") == {3}
    assert "<option selected>wine</option>" in page(browser, model="wine")
    # What may be chosen is what there is, whatever is chosen now.
    assert "<option>churn</option>" in page(browser, model="wine")


def test_an_event_that_there_is_not_is_named(browser: FlaskClient, listed: list[Notice]) -> None:
    answer = browser.get("/notices", base_url=OWN, query_string={"event": "gone"})

    assert answer.status_code == 404
    assert "there is no event" in answer.text


def test_without_notices_it_says_so(browser: FlaskClient, listed: list[Notice]) -> None:
    assert "No notice in the last 90 days." in page(browser)
    assert "No notice of this kind in the last 90 days." in page(browser, event="late")


def test_nothing_that_a_notice_says_becomes_markup(
    browser: FlaskClient, listed: list[Notice]
) -> None:
    listed.append(
        notice("run failed", 1, summary=HOSTILE, model=HOSTILE, run=HOSTILE, reason=HOSTILE)
    )

    found = page(browser, model=HOSTILE)

    assert "<script" not in found
    assert "onfocus='" not in found
    assert "&lt;script&gt;" in found
