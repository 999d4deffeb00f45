"""The console's pages: whatever a person or a data file wrote stays text."""

import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import render_template, url_for

from core.reading import Document
from core.stage.release_history import HistoryEntry
from core.stage.release_records import Release, Status
from kanmon.console import app as app_module
from kanmon.console.app import make_app
from kanmon.console.guard import Guard
from kanmon.console.results import results_of
from kanmon.console.views import (
    ModelView,
    ReleaseView,
    RunView,
    TrendView,
    chart_of,
    last_opened,
)
from kanmon.errors import BadInputError
from kanmon.monitoring.records import MonitoringRecord
from kanmon.releases.explanation import Evidence, explain
from kanmon.runs.records import RunRecord
from kanmon.terminal.invocation import Invocation
from kanmon.trend.chart import draw
from kanmon.trend.display import notes, rows
from kanmon.trend.points import Trend, points_of
from tests.support.metric_lines import line
from tests.support.sample_releases import deployment
from tests.support.standin import refusal

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
        (None, '<option value="">Choose a release</option>'),
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


def evaluation(value: float, metric: str = "rmse", champion: bool = False) -> dict[str, Any]:
    measured = {"metrics": {metric: {"value": value, "low": value - 0.1, "high": value + 0.1}}}
    found: dict[str, Any] = {"metrics": [metric], "candidate": measured}
    if champion:
        found |= {"champion": measured, "difference": {metric: {"value": 0.01}}}
    return found


def a_trend(*lines: Document, releases: Mapping[str, Release] | None = None) -> Trend:
    points, metrics = points_of(lines, releases or {})
    return Trend("abalone", points, metrics, {"rmse": 2.5}, unjudged=1)


def test_the_trend_page_shows_each_run_and_release_with_links_and_a_chart_in_words(guard: Guard):
    app = make_app(Invocation(), guard)
    release = Release("abalone", 7, Status.PROMOTED, run="abalone-1", in_service=True)
    trend = a_trend(line("abalone-1", 2.2), line("abalone-2", 2.1), releases={"abalone-1": release})
    view = TrendView(trend, "rmse", draw(trend, "rmse"), rows(trend, "rmse"), notes(trend, "rmse"))

    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        page = render_template("trend.html.jinja", view=view)

    assert '<svg viewBox="0 0 640' in page
    assert 'role="img" aria-label="RMSE of abalone. RMSE of 2 runs, from' in page
    assert '<a href="/models/abalone/trend?metric=rmse" aria-current="page">RMSE</a>' in page
    assert '<a href="/models/abalone/trend?metric=mae">MAE</a>' in page
    assert page.index('<a href="/runs/abalone-2">') < page.index('<a href="/runs/abalone-1">')
    assert '<a href="/models/abalone/releases/7">abalone/7</a>' in page
    assert "The gate&#39;s bar is 2.5." in page
    assert "1 run without metrics" in page


def line_stage(answers: dict[str, Any]) -> Any:
    """A stage whose bucket has these lines of the metrics table; it refuses any other."""

    def get_object(Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if Key not in answers:
            raise refusal("AccessDenied", "GetObject")
        return {"Body": io.BytesIO(json.dumps(answers[Key]).encode())}

    return SimpleNamespace(s3=SimpleNamespace(get_object=get_object), bucket="data")


def test_a_models_page_has_a_chart_of_its_releases_where_two_have_the_metric():
    releases = [
        Release("abalone", number, Status.PROMOTED, run=f"r{number}", in_service=number == 2)
        for number in (2, 1)
    ]
    lines = {
        f"metrics/model=abalone/r{number}.json": line(f"r{number}", 2.0 + number)
        for number in (1, 2)
    }

    chart = chart_of(line_stage(lines), "abalone", releases)

    assert chart is not None
    assert [(mark.label, mark.kind) for mark in chart.marks] == [
        ("1", "was in service"),
        ("2", "in service"),
    ]
    assert chart_of(line_stage(lines), "abalone", releases[:1]) is None


def test_who_may_not_read_the_metrics_still_has_the_rest_of_a_models_page():
    release = Release("abalone", 1, Status.PROMOTED, run="r1")

    assert chart_of(line_stage({}), "abalone", [release]) is None


def test_a_model_without_metrics_has_a_trend_page_that_says_so(guard: Guard):
    app = make_app(Invocation(), guard)

    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        page = render_template(
            "trend.html.jinja", view=TrendView(Trend("abalone"), None, None, [], [])
        )

    assert "No run of abalone has metrics yet." in page


def test_what_a_run_is_called_stays_text_on_the_trend_page(guard: Guard):
    app = make_app(Invocation(), guard)
    hostile = line(HOSTILE, 2.2) | {"verdict": HOSTILE, "judged_at": HOSTILE}
    hostile["metrics"][1]["name"] = HOSTILE
    trend = a_trend(hostile)
    view = TrendView(trend, "rmse", draw(trend, "rmse"), rows(trend, "rmse"), [HOSTILE])

    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        page = render_template("trend.html.jinja", view=view)

    assert "<script" not in page
    assert "onfocus='" not in page


def test_a_failed_run_shows_a_badge_and_the_end_of_its_log(guard: Guard):
    app = make_app(Invocation(), guard)
    record = RunRecord("abalone-1", "abalone", {"status": "FAILED", "error": "TrainJobFailed"})
    view = RunView(record, [], "FAILED", "no rows", None, ["read 3 rows", HOSTILE])

    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        page = render_template("run.html.jinja", view=view, moving=False)

    assert '<span class="word bad">failed</span>' in page
    assert "read 3 rows" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("status", "word"),
    [("ABORTED", "stopped"), ("TIMED_OUT", "took too long"), ("FAILED", "failed")],
)
def test_a_run_is_called_what_happened_to_it(guard: Guard, status: str, word: str):
    app = make_app(Invocation(), guard)
    record = RunRecord("abalone-1", "abalone", {"status": "FAILED"})

    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        page = render_template(
            "run.html.jinja", view=RunView(record, [], status, None), moving=False
        )

    assert f'<span class="word bad">{word}</span>' in page
    assert f'<p class="lead">{word}</p>' in page


def test_who_decided_is_left_open_where_a_newer_release_superseded_it(guard: Guard):
    app = make_app(Invocation(), guard)
    old = Release("abalone", 1, "SUPERSEDED", decision="superseded")
    view = ModelView("abalone", [old], [], [], [], None, None, None)

    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        page = render_template("model.html.jinja", view=view, moving=False)

    assert '<td data-label="Decided by">–</td>' in page


@pytest.mark.parametrize(("champion", "columns"), [(False, 2), (True, 5)])
def test_metrics_are_shown_beside_the_champions(guard: Guard, champion: bool, columns: int):
    app = make_app(Invocation(), guard)
    record = RunRecord("abalone-1", "abalone", {"status": "SUCCEEDED", "verdict": "promote"})
    results = results_of(evaluation(2.2, champion=champion))
    view = RunView(record, [], "SUCCEEDED", None, results)

    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        page = render_template("run.html.jinja", view=view, moving=False)

    row = page[page.index('<th scope="row">RMSE') :].partition("</tr>")[0]
    assert row.count("<td") == row.count("data-label=") == columns
    assert "2.200" in row


def test_the_review_page_has_a_way_back_to_its_release(guard: Guard):
    app = make_app(Invocation(), guard)

    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        address = url_for("release", model="abalone", number=7)
        back = render_template("way_back.html.jinja", address=address, name="release abalone/7")

    assert '<a href="/models/abalone/releases/7">Back to release abalone/7</a>' in back
    # The review page allows no style but its own: an attribute would be ignored.
    assert "style=" not in back
    assert 'class="page"' in back


def test_a_release_is_listed_with_its_status_in_a_word(guard: Guard):
    app = make_app(Invocation(), guard)
    releases = [
        Release("abalone", 2, Status.SUPERSEDED),
        Release("abalone", 1, Status.PROMOTED, in_service=True),
    ]
    view = ModelView("abalone", releases, [], [], [], None)

    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        page = render_template("model.html.jinja", view=view, moving=False)

    assert '<span class="word even">superseded</span>' in page
    assert '<span class="word good">in service</span>' in page
    assert "package_arn" not in page


def test_no_macro_of_the_pages_hides_another_of_its_name():
    parts = (Path(app_module.__file__).parent / "templates/parts.html.jinja").read_text()
    names = re.findall(r"{% macro (\w+)", parts)

    assert len(names) == len(set(names))


def test_monitorings_are_listed_with_their_state_and_lead_to_their_page(guard: Guard):
    app = make_app(Invocation(), guard)
    alarm = {"state": "alarm", "summary": "<b>tenure</b> has drifted", "release": 7}
    found = [
        MonitoringRecord("abalone-261121060002-m3q", "abalone", alarm),
        MonitoringRecord("abalone-261121060001-m2q", "abalone", {"status": "FAILED"}),
    ]
    view = ModelView("abalone", [], [], [], [], None, monitorings=found)

    with app.test_request_context("/", base_url="http://127.0.0.1:8000"):
        page = render_template("model.html.jinja", view=view, moving=False)

    assert '<a href="/models/abalone/monitorings/abalone-261121060002-m3q">' in page
    assert '<span class="word bad">alarm</span>' in page
    assert '<span class="word bad">failed</span>' in page
    assert "&lt;b&gt;tenure&lt;/b&gt; has drifted" in page


def test_a_monitoring_that_failed_before_it_looked_hides_no_result() -> None:
    unopened = MonitoringRecord("churn-3", "churn", {"status": "FAILED"})
    failed = MonitoringRecord("churn-2", "churn", {"status": "FAILED", "release": 7})
    alarm = MonitoringRecord("churn-1", "churn", {"state": "alarm", "release": 7})

    assert last_opened([unopened, alarm]) is alarm
    assert last_opened([failed, alarm]) is failed
    assert last_opened([unopened]) is unopened
    assert last_opened([]) is None
