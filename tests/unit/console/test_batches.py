"""The console's pages about batches: what a file or a person wrote stays text."""

from typing import Any, get_args

import pytest
from flask import render_template

from kanmon.batches.outcome import Remedy
from kanmon.batches.records import BatchRecord
from kanmon.console.app import make_app
from kanmon.console.guard import Guard
from kanmon.console.views import BatchView, ModelView, StateVisit
from kanmon.terminal.invocation import Invocation

HOSTILE = "<script>alert(1)</script>\" onfocus='x' {{ 7 * 7 }}"
BATCH = "churn-261122055501-b7h"
ASKED = {"asked_at": "2026-11-22T05:55:01Z", "reason": "monthly", "files": 2, "bytes": 2_000_000}
SCORED = {"status": "SUCCEEDED", "rows": 1204, "rejected": 3, "release": 7, **ASKED}


def shown(template: str, view: Any, moving: bool = False) -> str:
    app = make_app(Invocation(), Guard(8000))
    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        return render_template(template, view=view, moving=moving)


def test_a_models_page_lists_its_batches_with_state_rows_and_release() -> None:
    batches = [
        BatchRecord(BATCH, "churn", SCORED),
        BatchRecord("churn-261122055502-c8i", "churn", {"status": "FAILED", **ASKED}),
    ]

    page = shown("model.html.jinja", ModelView("churn", [], [], [], [], None, batches=batches))

    assert f'<a href="/batches/{BATCH}">' in page
    assert "1,204" in page
    assert '<a href="/models/churn/releases/7">churn/7</a>' in page
    assert '<span class="word good">scored</span>' in page
    assert '<span class="word bad">failed</span>' in page


def test_a_scored_batch_shows_what_became_of_its_rows() -> None:
    manifest = {
        "rows": {"rows_in": 1204, "scored": 1201, "rejected": 3},
        "missing": {"gender": 2, "tenure": 15},
        "unknown": {},
        "cost": {"usd": 0.0123},
    }
    record = BatchRecord(BATCH, "churn", {**SCORED, "summary": "1,204 rows in"})
    states = [StateVisit("Score Rows", 75.0, 1, True)]

    page = shown("batch.html.jinja", BatchView(record, states, "SUCCEEDED", manifest))

    assert "1,201 rows" in page
    # The commonest first, as the command line lists them.
    assert "<code>tenure</code> in 15 rows, <code>gender</code> in 2 rows" in page
    assert f"kanmon fetch {BATCH}" in page
    assert "about 0.0123 US dollars" in page
    assert "--resume" not in page


@pytest.mark.parametrize("status", ["FAILED", "ABORTED", "TIMED_OUT"])
def test_a_batch_that_ended_badly_says_how_far_it_came_and_how_to_resume_it(status: str) -> None:
    record = BatchRecord(BATCH, "churn", {"status": "FAILED", "summary": HOSTILE, **ASKED})
    view = BatchView(record, [], status, None, "shard 3 of 12, 1,204 rows", ["read", HOSTILE])

    page = shown("batch.html.jinja", view)

    assert "Done: shard 3 of 12, 1,204 rows." in page
    assert f"kanmon score-batch churn --resume {BATCH}" in page
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 2


def test_a_batch_whose_files_are_at_fault_is_not_offered_to_be_resumed() -> None:
    record = BatchRecord(BATCH, "churn", {"status": "FAILED", **ASKED})

    pages = {
        remedy: shown("batch.html.jinja", BatchView(record, [], "FAILED", remedy=remedy))
        for remedy in get_args(Remedy)
    }

    assert {remedy for remedy in pages if "--resume" in pages[remedy]} == {"resume"}
    # Only where a column is missing: it helps no other fault.
    assert {remedy for remedy in pages if "--allow-missing" in pages[remedy]} == {
        "correct or allow"
    }
    assert {remedy for remedy in pages if "Correct the files" in pages[remedy]} == {
        *("correct", "correct or allow")
    }


def test_a_batch_that_runs_is_not_offered_to_be_resumed() -> None:
    record = BatchRecord(BATCH, "churn", {"status": "RUNNING"})

    page = shown("batch.html.jinja", BatchView(record, [], "RUNNING"), moving=True)

    assert "--resume" not in page
    assert "Follow live" in page
