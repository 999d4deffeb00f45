"""The console's pages: whatever a person or a data file wrote stays text."""

import re

import pytest
from flask import render_template

from core.stage.release_table import HistoryEntry, Release, Status
from kanmon.console.app import make_app
from kanmon.console.guard import Guard
from kanmon.console.views import ModelView, ReleaseView
from kanmon.errors import BadInputError
from kanmon.releases.explanation import Evidence, explain
from kanmon.terminal.invocation import Invocation
from tests.support.sample_releases import deployment

HOSTILE = "<script>alert(1)</script>\" onfocus='x' {{ 7 * 7 }}"


@pytest.fixture
def guard() -> Guard:
    return Guard(8000)


def test_words_in_a_models_history_are_escaped(guard: Guard):
    app = make_app(Invocation(), guard)
    release = Release(
        "abalone", 1, "REJECTED", run="abalone-1", summary=HOSTILE, decided_by=HOSTILE
    )
    event = HistoryEntry("2026-11-21T10:00:00Z", "rejected", 1, HOSTILE, HOSTILE)
    view = ModelView("abalone", [release], [], [event], [], None)

    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        page = render_template("model.html.jinja", view=view, moving=False, reason=HOSTILE)

    assert "<script" not in page
    assert "onfocus='" not in page
    assert "&lt;script&gt;" in page
    assert "{{ 7 * 7 }}" in page


def test_the_reason_of_a_decision_is_escaped_wherever_it_is_shown(guard: Guard):
    app = make_app(Invocation(), guard)
    release = Release(
        "abalone",
        1,
        Status.REJECTED,
        run="abalone-1",
        summary=HOSTILE,
        decision="Rejected",
        decided_by=HOSTILE,
        decision_reason=HOSTILE,
    )
    evidence = Evidence(release)
    view = ReleaseView(release, evidence, explain(evidence))

    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        page = render_template(
            "release.html.jinja",
            view=view,
            decidable=True,
            moving=False,
            problem=BadInputError(HOSTILE, fix=HOSTILE),
            reason=HOSTILE,
        )

    assert "<script" not in page
    assert "onfocus='" not in page
    # The explanation, the record, the problem and the form.
    assert page.count("&lt;script&gt;") >= 4


@pytest.mark.parametrize(
    ("before", "offered_first"),
    [
        (1, '<option value="1" selected>'),
        # Release 3 is there, and was rolled back from: nobody brings it back without choosing it.
        (None, '<option value="">'),
    ],
)
def test_rolling_back_never_offers_the_bad_release_by_itself(
    guard: Guard, before: int | None, offered_first: str
):
    app = make_app(Invocation(), guard)
    releases = [
        Release("abalone", number, "PROMOTED", in_service=number == 2) for number in (3, 2, 1)
    ]
    event = HistoryEntry("2026-11-21T10:00:00Z", "rolled back", 2, previous=3)
    since = "2026-11-21T10:00:07Z"
    view = ModelView("abalone", releases, [], [event], [], None, before, since)

    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        page = render_template("model.html.jinja", view=view, moving=False)

    assert offered_first in page
    assert "10:00:07" in page
    assert page.count("selected") == (1 if before else 0)
    assert "<strong>back in service</strong> release 2, replacing release 3" in page


def test_a_canary_shows_both_shares_and_offers_to_stop_it(guard: Guard):
    app = make_app(Invocation(), guard)
    releases = [
        Release("abalone", number, status, in_service=number == 1)
        for number, status in ((3, "APPROVED"), (2, "PROMOTED"), (1, "PROMOTED"))
    ]
    canary = deployment("InProgress", ended=None)
    view = ModelView("abalone", releases, [], [], [(1, 0.9), (3, 0.1)], canary, 2)

    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        page = render_template("model.html.jinja", view=view, moving=True)

    shares = re.findall(r'"share of release (\d)">([^<]+)<', page)
    assert shares == [("1", "90 %"), ("3", "10 %")]
    assert "A canary is running (deployment <code>d-1</code>)" in page
    assert "A rollback now stops the canary" in page
    assert '<form method="post" action="/models/abalone/rollback">' in page
    assert f'<input type="hidden" name="token" value="{guard.form_token}">' in page
    # Whom the calls go back to is not a choice: it is the one that has them.
    assert "<select" not in page


def test_a_name_that_is_no_models_is_answered_in_words_and_escaped(guard: Guard):
    client = make_app(Invocation(), guard).test_client()
    client.get(guard.address)

    answer = client.get("/models/%3Cscript%3E", base_url="http://127.0.0.1:8000")

    assert answer.status_code == 404
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text
