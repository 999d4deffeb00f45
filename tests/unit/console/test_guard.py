"""Which requests the console accepts, and what it tells browsers."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kanmon.console.guard import COOKIE, Guard

OWN = "http://127.0.0.1:8000"


@pytest.fixture
def guard() -> Guard:
    return Guard(8000)


@pytest.fixture
def app(guard: Guard) -> Flask:
    app = Flask("guarded")
    guard.install(app)
    app.add_url_rule("/", "overview", lambda: "models")
    app.add_url_rule("/change", "change", lambda: "changed", methods=["POST"])
    return app


@pytest.fixture
def browser(app: Flask, guard: Guard) -> FlaskClient:
    """A browser that has opened the printed address."""
    client = app.test_client()
    client.get("/", base_url=OWN, query_string={"key": guard.key})
    return client


def post(browser: FlaskClient, token: str, origin: str | None = OWN, host: str = OWN) -> int:
    headers = {"Origin": origin} if origin else {}
    return browser.post(
        "/change", base_url=host, headers=headers, data={"token": token}
    ).status_code


def test_the_printed_address_lets_in_and_takes_the_key_out_of_the_address(app: Flask, guard: Guard):
    client = app.test_client()

    answer = client.get(guard.address)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Strict" in answer.headers["Set-Cookie"]
    assert client.get("/", base_url=OWN).text == "models"


@pytest.mark.parametrize("key", ["", "guess", "gu\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_without_the_key_nothing_is_shown(app: Flask, key: str):
    client = app.test_client()
    client.set_cookie(COOKIE, key, domain="127.0.0.1")

    assert client.get("/", base_url=OWN).status_code == 403
    assert client.get("/", base_url=OWN, query_string={"key": key}).status_code == 403


@pytest.mark.parametrize(
    "host",
    [
        "http://attacker.example:8000",  # a name that resolves to 127.0.0.1
        "http://127.0.0.1:9000",
        "http://[::1]:8000",
    ],
)
def test_a_foreign_name_is_refused_even_with_the_cookie(
    browser: FlaskClient, guard: Guard, host: str
):
    header = {"Cookie": f"{COOKIE}={guard.key}"}

    assert browser.get("/", base_url=host, headers=header).status_code == 403


@pytest.mark.parametrize("path", ["/", "/static/console.css"])
def test_a_foreign_name_gets_no_cookie_for_the_key_and_no_style(
    app: Flask, guard: Guard, path: str
):
    client = app.test_client()

    answer = client.get(
        path, base_url="http://attacker.example:8000", query_string={"key": guard.key}
    )

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_a_form_of_the_console_changes_something(browser: FlaskClient, guard: Guard):
    assert post(browser, guard.form_token) == 200


@pytest.mark.parametrize(
    "origin", [None, "null", "http://attacker.example", "https://127.0.0.1:8000", OWN + "0"]
)
def test_a_form_from_elsewhere_changes_nothing(
    browser: FlaskClient, guard: Guard, origin: str | None
):
    assert post(browser, guard.form_token, origin) == 403


@pytest.mark.parametrize("token", ["", "guess"])
def test_a_form_without_the_token_changes_nothing(browser: FlaskClient, token: str):
    assert post(browser, token) == 403


def test_a_get_cannot_change_anything(browser: FlaskClient, guard: Guard):
    answer = browser.get("/change", base_url=OWN, query_string={"token": guard.form_token})

    assert answer.status_code == 405


def test_a_huge_form_is_refused(browser: FlaskClient, guard: Guard):
    answer = browser.post(
        "/change",
        base_url=OWN,
        headers={"Origin": OWN},
        data={"token": guard.form_token, "reason": "x" * 30_000},
    )

    assert answer.status_code == 413


def test_no_answer_may_be_framed_kept_or_run_scripts(browser: FlaskClient):
    headers = browser.get("/", base_url=OWN).headers

    assert "script-src" not in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
