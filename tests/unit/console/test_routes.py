"""The console's own routes: none changes anything but by a form of its own."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kanmon.console.app import make_app
from kanmon.console.guard import COOKIE, Guard
from kanmon.terminal.invocation import Invocation

OWN = "http://127.0.0.1:8000"
READING = {"GET", "HEAD", "OPTIONS"}
# What a person can do with their console, as addresses of the model abalone and its release 1.
CHANGING = ("/models/abalone/releases/1/decision", "/models/abalone/rollback")


class NoStage:
    """A connection that nothing may be asked of."""

    def __getattr__(self, name: str) -> None:
        raise AssertionError(f"the stage was asked for its {name}")


@pytest.fixture
def guard() -> Guard:
    return Guard(8000)


@pytest.fixture
def app(guard: Guard) -> Flask:
    invocation = Invocation()
    vars(invocation)["connection"] = NoStage()
    return make_app(invocation, guard)


@pytest.fixture
def browser(app: Flask, guard: Guard) -> FlaskClient:
    """A browser that has opened the printed address."""
    client = app.test_client()
    client.get("/", base_url=OWN, query_string={"key": guard.key})
    return client


def test_these_routes_can_change_something_and_no_others(app: Flask):
    adapter = app.url_map.bind("127.0.0.1:8000")
    values = {"model": "abalone", "number": 1, "run": "abalone-1", "filename": "console.css"}

    changing = {
        adapter.build(rule.endpoint, {name: values[name] for name in rule.arguments})
        for rule in app.url_map.iter_rules()
        if not set(rule.methods or ()) <= READING
    }

    assert changing == set(CHANGING)


@pytest.mark.parametrize("path", CHANGING)
def test_no_address_that_is_opened_changes_anything(browser: FlaskClient, guard: Guard, path: str):
    words = {"token": guard.form_token, "decision": "Approved", "reason": "a link"}

    assert browser.get(path, base_url=OWN, query_string=words).status_code == 405


@pytest.mark.parametrize("path", CHANGING)
@pytest.mark.parametrize(
    ("base", "origin", "token"),
    [
        (OWN, OWN, ""),
        (OWN, OWN, "guess"),
        (OWN, None, "the form's"),
        (OWN, "null", "the form's"),
        (OWN, "http://attacker.example", "the form's"),
        ("http://attacker.example:8000", OWN, "the form's"),  # a name that resolves to 127.0.0.1
        ("http://attacker.example:8000", "http://attacker.example:8000", "the form's"),
    ],
)
def test_a_form_that_is_not_the_consoles_own_changes_nothing(
    browser: FlaskClient, guard: Guard, path: str, base: str, origin: str | None, token: str
):
    headers = {"Cookie": f"{COOKIE}={guard.key}"} | ({"Origin": origin} if origin else {})
    words = {"decision": "Approved", "reason": "from elsewhere"}
    words["token"] = guard.form_token if token == "the form's" else token

    assert browser.post(path, base_url=base, headers=headers, data=words).status_code == 403


def test_a_form_of_the_consoles_own_is_read(browser: FlaskClient, guard: Guard):
    answer = browser.post(
        "/models/abalone/rollback",
        base_url=OWN,
        headers={"Origin": OWN},
        data={"token": guard.form_token, "to": "the last"},
    )

    assert (answer.status_code, "the release must be a number" in answer.text) == (400, True)


def test_the_page_that_asks_for_the_key_has_a_style_and_a_way_in(app: Flask, guard: Guard):
    stranger = app.test_client()

    refused = stranger.get("/models/abalone", base_url=OWN)
    style = stranger.get("/static/console.css", base_url=OWN)
    answer = stranger.get("/", base_url=OWN, query_string={"key": guard.key})

    assert refused.status_code == 403
    assert 'href="/static/console.css"' in refused.text
    assert (style.status_code, style.mimetype) == (200, "text/css")
    assert '<form action="/" method="get">' in refused.text
    assert 'name="key"' in refused.text
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def test_a_form_that_is_too_old_leads_back(browser: FlaskClient):
    answer = browser.post(CHANGING[0], base_url=OWN, headers={"Origin": OWN}, data={"token": "old"})

    assert answer.status_code == 403
    assert '<a href="/">All models</a>' in answer.text


def test_a_stage_that_was_started_again_is_connected_to_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guard: Guard
):
    """It has another port; no page may go on asking at the one before."""
    monkeypatch.setenv("KANMON_HOME", str(tmp_path))
    (tmp_path / "stage.json").write_text('{"endpoint": "http://127.0.0.1:1"}')
    invocation = Invocation()
    vars(invocation)["connection"] = NoStage()
    browser = make_app(invocation, guard).test_client()
    browser.get("/", base_url=OWN, query_string={"key": guard.key})
    assert "connection" in vars(invocation)

    (tmp_path / "stage.json").unlink()
    stopped = browser.get("/", base_url=OWN)

    assert (stopped.status_code, "kanmon up" in stopped.text) == (502, True)
    assert "connection" not in vars(invocation)
