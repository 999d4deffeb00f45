"""What `kanmon notices` shows, chooses and refuses."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

import click
import pytest

from core.report.fact import EVENTS, Fact
from kanmon.errors import BadInputError
from kanmon.notices import display, following
from kanmon.notices.records import Notice, check_event, chosen, notices_back, notices_since

AT = "2026-11-30T06:00:00Z"


def fact(event: Any = "run failed", **more: Any) -> dict[str, Any]:
    named = {"model": "churn", "run": "churn-261130060000-abc", "summary": "no\nrows", **more}
    return Fact(event, "1", "kanmon-dev", "dev", AT, **named).document()


def notice(name: str = f"{AT}#1", sent: dict[str, str] | None = None, **more: Any) -> Notice:
    return Notice(name, fact(**more), sent or {})


@pytest.mark.parametrize(
    ("about", "named"),
    [
        ({}, "churn-261130060000-abc"),
        ({"release": 7}, "churn/7"),
        ({"run": None, "batch": "churn-1-b"}, "churn-1-b"),
        ({"run": None, "monitoring": "churn-1-m"}, "churn-1-m"),
        ({"run": None, "batch": "churn-1-b", "release": 7}, "churn-1-b"),
        ({"run": None}, "churn"),
        ({"run": None, "model": None}, "the stage"),
    ],
)
def test_a_notice_is_about_what_commands_take(about: dict[str, Any], named: str) -> None:
    assert notice(**about).about == named


def test_each_notice_is_a_line_with_what_happened_and_who_was_told() -> None:
    told = notice(sent={"mail": AT, "chat": AT})
    quiet = notice(event="nothing new")

    heading, first, second = map(click.unstyle, display.lines([told, quiet]))

    assert re.split(" {2,}", heading) == ["time", "severity", "event", "about", "sent to"]
    assert re.split(" {2,}", first)[1:] == [
        *("error", "run failed", "churn-261130060000-abc", "mail, chat", "no rows")
    ]
    assert re.split(" {2,}", second)[-2:] == ["–", "no rows"]


def test_a_notice_that_comes_has_the_columns_of_those_above() -> None:
    above = notice(run="a-name-of-a-run-that-is-long", sent={"mail": AT, "chat": AT})
    comes = notice(event="late", run=None, sent={"mail": AT}, summary="two\nlines")

    _, first = map(click.unstyle, display.lines([above]))
    second = click.unstyle(display.following([above])(comes))

    assert re.split(" {2,}", second)[1:] == ["warning", "late", "churn", "mail", "two lines"]
    assert second.index("mail") == first.index("mail")
    assert second.index("two lines") == first.index("no rows")


def test_the_first_notice_that_comes_has_columns_wide_enough() -> None:
    comes = notice(event="late", run=None)

    line = click.unstyle(display.following([])(comes))

    assert re.split(" {2,}", line)[1:] == ["warning", "late", "churn", "–", "no rows"]


def test_notices_are_chosen_by_model_and_event() -> None:
    failed, waits = notice(), notice(event="release waits", release=7, model="wine")

    assert chosen([failed, waits], None, None) == [failed, waits]
    assert chosen([failed, waits], "wine", None) == [waits]
    assert chosen([failed, waits], None, "run failed") == [failed]
    assert chosen([failed, waits], "wine", "run failed") == []


def test_an_event_that_there_is_not_is_refused_with_the_nearest() -> None:
    assert all(check_event(event) == event for event in EVENTS)

    with pytest.raises(BadInputError, match="no event 'release waiting'") as refused:
        check_event("release waiting")

    assert "'release waits'" in refused.value.fix


class Table:
    """The stage's table, which answers a query with the items between two names, in two pages."""

    table = "models"
    endpoint = "http://here"

    def __init__(self, *listed: Notice) -> None:
        self.listed = list(listed)
        self.dynamodb = self

    def get_paginator(self, operation: str) -> Table:
        assert operation == "query"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        values = {name: value["S"] for name, value in asked["ExpressionAttributeValues"].items()}
        assert values[":model"] == "#notices"
        items = [
            {
                "model": {"S": "#notices"},
                "item": {"S": one.name},
                "fact": {"S": json.dumps(one.fact)},
                "expires_at": {"N": "1"},
                **{f"sent_{channel}": {"S": at} for channel, at in one.sent.items()},
            }
            for one in self.listed
            if values[":first"] <= one.name <= values[":last"]
        ]
        self.pages = 0
        return self.paged(items if asked["ScanIndexForward"] else items[::-1])

    def paged(self, items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for page in (items[:1], items[1:]):
            self.pages += 1
            yield {"Items": page}


def test_notices_are_read_from_a_time_on_with_where_they_were_sent() -> None:
    old = notice("2026-11-20T06:00:00.000000Z#1")
    first = notice("2026-11-29T06:00:00.000000Z#2", {"mail": AT})
    second = notice("2026-11-30T06:00:00.000000Z#3", {"mail": AT, "chat": AT})

    found = notices_since(Table(old, first, second), datetime(2026, 11, 25, tzinfo=UTC))  # type: ignore[arg-type]

    assert found == [first, second]
    assert found[1].document() == {**second.fact, "sent": {"mail": AT, "chat": AT}}


def test_notices_are_read_back_from_one_of_them_no_further_than_they_are_taken() -> None:
    times = ("2026-11-20", "2026-11-28", "2026-11-29", "2026-11-30")
    old, first, second, third = (notice(f"{day}T06:00:00.000000Z#1") for day in times)
    table: Any = Table(old, first, second, third)
    since = datetime(2026, 11, 25, tzinfo=UTC)

    found = notices_back(table, third.name, since)

    assert (next(found), table.pages) == (second, 2)
    assert list(found) == [first]
    assert list(notices_back(table, "2026-11-29T06:00:00.000000Z", since)) == [first]
    newest = notices_back(table, "2026-12-01T06:00:00.000000Z", since)
    assert (next(newest), table.pages) == (third, 1)


def test_a_notice_that_comes_is_followed_once_and_those_shown_before_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    shown, new, late = notice(f"{now}#2"), notice(f"{now}#3"), notice(f"{now}#1")
    table = Table(shown)
    comes = chain([[], [new], [new, late]], [[new, late]] * 3)
    monkeypatch.setattr(time, "sleep", lambda _: table.listed.extend(next(comes, [])))

    followed = list(islice(following.follow(table, {shown.name}), 2))  # type: ignore[arg-type]

    # The later one was listed under an earlier name: two writers at once.
    assert followed == [new, late]


def test_a_notice_that_comes_is_shown_with_where_it_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    table = Table(notice(f"{now}#1"))
    sent = notice(f"{now}#1", {"mail": AT})
    monkeypatch.setattr(time, "sleep", lambda _: setattr(table, "listed", [sent]))

    (followed,) = islice(following.follow(table, set()), 1)  # type: ignore[arg-type]

    assert followed == sent


def test_following_has_no_document_to_print(kanmon: Any) -> None:
    result = kanmon("notices", "--follow", "--json")

    assert result.exit_code == 2
    assert "Leave one of both out." in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--event", "run fialed"], "Did you mean 'run failed'"),
        (["--event", "x"], "There are: run failed, "),
        (["--model", "A"], "'A' is not a valid model name"),
        (["--days", "91"], "1<=x<=90"),
    ],
)
def test_what_cannot_be_chosen_by_is_refused_before_the_stage_is_asked(
    kanmon: Any, words: list[str], said: str
) -> None:
    result = kanmon("notices", *words)

    assert result.exit_code == 2
    assert said in result.output
