"""The console's page of notices: filtered by its address, linked, and nothing in it is markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from core.report.fact import Fact
from kanmon.console import notices as module
from kanmon.console.app import make_app
from kanmon.console.guard import Guard
from kanmon.notices.records import Notice, name_of
from kanmon.terminal.invocation import Invocation

OWN = "http://127.0.0.1:8000"
HOSTILE = "<script>alert(1)</script>\" onfocus='x' {{ 7 * 7 }}"
AT = "2026-11-30T06:00:00Z"
NOW = datetime.now(UTC)


def notice(
    event: Any,
    number: int,
    sent: dict[str, str] | None = None,
    ago: timedelta = timedelta(hours=1),
    **named: Any,
) -> Notice:
    more = {"model": "churn", "summary": f"summary {number}", **named}
    fact = Fact(event, str(number), "kanmon-dev", "dev", AT, **more).document()
    return Notice(f"{name_of(NOW - ago)}#{number:08}", fact, sent or {})


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[Notice]:
    """What the stage lists, the newest last."""
    found: list[Notice] = []

    def back(connection: object, before: str, until: datetime) -> Iterator[Notice]:
        for one in sorted(found, key=lambda one: one.name, reverse=True):
            if name_of(until) <= one.name < before:
                yield one

    monkeypatch.setattr(module, "notices_back", back)
    monkeypatch.setattr(module, "known_models", lambda connection, project: ["churn", "wine"])
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
        # A batch and a monitoring name the release that they used.
        ({"batch": "churn-1-b", "release": 7}, '<a href="/batches/churn-1-b">churn-1-b</a>'),
        ({"monitoring": "churn-1-m", "release": 7}, '<a href="/models/churn">churn-1-m</a>'),
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
    assert "No notice in this time." in page(browser)
    assert "No notice of this kind in this time." in page(browser, event="late")


def earlier(found: str) -> dict[str, str] | None:
    """What the link to the earlier ones asks for."""
    link = re.search(r'href="/notices\?([^"]*before=[^"]*)">Earlier notices', found)
    if link is None:
        return None
    asked = link[1].replace("&amp;", "&").replace("%3A", ":").replace("%23", "#")
    return dict(one.split("=") for one in asked.replace("+", " ").split("&"))


def test_a_page_has_seven_days_and_leads_to_earlier_ones_as_long_as_they_are_kept(
    browser: FlaskClient, listed: list[Notice]
) -> None:
    days = [0, 6, 8, 13, 50, 89, 91]
    listed += [notice("late", each, ago=timedelta(days=each, minutes=1)) for each in days]
    pages = [page(browser)]
    while asked := earlier(pages[-1]):
        pages.append(page(browser, **asked))

    shown = [[each for each in days if f"summary {each}<" in one] for one in pages]
    assert shown[:2] == [[0, 6], [8, 13]]
    assert [each for one in shown for each in one] == days[:-1]
    assert len(pages) == 13
    assert ("Newest</a>" in pages[0], "Newest</a>" in pages[1]) == (False, True)


def test_many_notices_are_on_pages_of_a_limited_length_and_each_is_on_one(
    browser: FlaskClient, listed: list[Notice]
) -> None:
    # All within one microsecond, so that their times do not tell them apart.
    listed += [notice("late", number) for number in range(450)]
    listed += [notice("batch done", number) for number in range(450, 900)]

    found, shown = page(browser, model="churn", event="late"), []
    for _ in range(3):
        shown.append(re.findall(r"summary (\d+)<", found))
        found = page(browser, **(earlier(found) or {}))

    assert [len(one) for one in shown] == [200, 200, 50]
    assert [int(each) for one in shown for each in one] == list(range(449, -1, -1))


@pytest.mark.parametrize("before", ["x", "2026-02-30T00:00:00.000000Z", f"{AT}#a"])
def test_an_address_that_names_no_notice_is_refused_with_a_way_back(
    browser: FlaskClient, listed: list[Notice], before: str
) -> None:
    answer = browser.get("/notices", base_url=OWN, query_string={"before": before})

    assert (answer.status_code, "names no notice" in answer.text) == (404, True)


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
