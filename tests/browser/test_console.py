"""The console as a person uses it: to read, by keyboard, on a phone, with a screen reader."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import CHROMIUM, Laptop, violations
from tests.support.waiting import PATIENCE_SECONDS, eventually

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="SKIPPED: there is no Chromium on this machine"),
]
PHONE = {"width": 360, "height": 740}


def origin(address: str) -> str:
    return address.split("/?")[0]


@pytest.fixture
def paths(laptop: Laptop) -> list[str]:
    """One page of each kind."""
    [release] = [one for one in laptop.kanmon("releases", "abalone") if one["release"] == 1]
    return [
        "/",
        "/models/abalone",
        "/models/abalone/trend",
        "/models/abalone/releases/1",
        "/models/abalone/releases/1/review",
        f"/runs/{release['run']}",
        "/models/nonsense",
    ]


def test_no_page_of_a_waiting_release_offends_axe(audited: Page, address: str, paths: list[str]):
    for path in paths:
        audited.goto(origin(address) + path)

        assert violations(audited) == [], path


def test_on_a_phone_no_page_scrolls_sideways(audited: Page, address: str, paths: list[str]):
    audited.set_viewport_size(PHONE)
    for path in paths:
        audited.goto(origin(address) + path)

        assert not sideways(audited), path


def test_the_waiting_release_is_found_from_the_first_page(page: Page):
    page.get_by_role("link", name="abalone/1").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Release abalone/1")
    expect(page.get_by_role("button", name="Approve abalone/1")).to_be_visible()
    page.get_by_role("link", name="Read the review page").click()
    expect(page.get_by_role("heading", name="Verdict")).to_be_visible()
    page.get_by_role("link", name="Back to release abalone/1").click()
    expect(page.get_by_role("button", name="Approve abalone/1")).to_be_visible()


def test_a_rejection_needs_a_reason(page: Page, address: str):
    page.goto(f"{origin(address)}/models/abalone/releases/1")

    page.get_by_role("button", name="Reject abalone/1").click()

    expect(page.get_by_role("alert")).to_contain_text("a rejection needs a reason")
    expect(page.get_by_role("button", name="Approve abalone/1")).to_be_visible()


def test_the_stranger_without_the_key_sees_nothing(page: Page, address: str):
    page.context.clear_cookies()

    page.goto(origin(address))

    expect(page.get_by_role("alert")).to_contain_text("open the address")
    expect(page.locator("body")).not_to_contain_text("abalone")


def test_by_keyboard_alone_a_release_is_approved_and_followed_into_service(
    page: Page, laptop: Laptop
):
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    tab_to(page, "a:text-is('abalone/1')")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Release abalone/1")
    tab_to(page, "#reason")
    page.keyboard.type("looked <b>closely</b> & liked it")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Approve abalone/1")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("Release abalone/1 is approved")
    expect(page.get_by_role("button", name="Approve abalone/1")).to_have_count(0)
    page.goto(page.url + "?live")
    expect(page.get_by_role("heading", level=1)).to_contain_text(
        "in service", timeout=PATIENCE_SECONDS * 1000
    )
    # What a person wrote is shown as they wrote it.
    expect(page.locator("dl")).to_contain_text("looked <b>closely</b> & liked it")
    [event] = [one for one in laptop.kanmon("history", "abalone") if one["event"] == "approved"]
    assert "Approver" in event["by"]


def test_deciding_twice_says_who_was_faster(page: Page, laptop: Laptop, address: str):
    laptop.kanmon("run", "abalone", "--set", "seed=8", "--force")
    waiting = next(
        one for one in laptop.kanmon("releases", "abalone") if one["status"] == "WAITING"
    )
    number = waiting["release"]
    page.goto(f"{origin(address)}/models/abalone/releases/{number}")
    laptop.kanmon("reject", f"abalone/{number}", "--reason", "the tails")

    page.get_by_role("button", name=f"Approve abalone/{number}").click()

    expect(page.get_by_role("alert")).to_contain_text("already rejected")


def test_the_pages_of_a_live_model_offend_neither_axe_nor_a_phone(
    audited: Page, address: str, laptop: Laptop
):
    audited.set_viewport_size(PHONE)
    for path in ("/", "/models/abalone", "/models/abalone/releases/1"):
        audited.goto(origin(address) + path)

        assert violations(audited) == [], path
        assert not sideways(audited), path


def test_by_keyboard_alone_a_canary_is_seen_and_stopped(
    audited: Page, page: Page, laptop: Laptop, operators_address: str
):
    model = f"{origin(operators_address)}/models/abalone"
    number = laptop.kanmon("run", "abalone", "--set", "seed=9", "--force")["release"]
    laptop.kanmon("approve", f"abalone/{number}", "--reason", "to see its canary")
    eventually(lambda: len(laptop.kanmon("show", f"abalone/{number}")["traffic"]) == 2)

    audited.set_viewport_size(PHONE)
    audited.goto(operators_address)
    audited.goto(model)
    page.goto(operators_address)
    page.goto(model)

    expect(page.get_by_text("A canary is running")).to_be_visible()
    shares = page.get_by_role("list", name="How the live alias splits the traffic")
    releases = shares.get_by_role("listitem")
    expect(releases).to_contain_text(["release 1", f"release {number}"])
    expect(releases).to_contain_text(["%", "%"])
    assert violations(audited) == []
    assert not sideways(audited)
    tab_to(page, "#reason")
    page.keyboard.type("the scores look odd")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Roll back")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("The canary is stopped")
    page.goto(f"{model}?live")
    # It loads itself again for as long as the canary is under way.
    gone = page.get_by_text("A canary is running")
    expect(gone).to_have_count(0, timeout=PATIENCE_SECONDS * 1000)
    expect(releases).to_have_text(re.compile(r"release 1\s+100 %"))
    ended = eventually(lambda: ended_release(laptop, number))
    assert ended["status"] == "ROLLED_BACK"


def ended_release(laptop: Laptop, number: int) -> Any:
    """The release when something has become of it; None before."""
    shown = laptop.kanmon("show", f"abalone/{number}")
    return None if shown["status"] in {"WAITING", "APPROVED"} else shown


def sideways(page: Page) -> bool:
    """Does the page scroll sideways?"""
    wide, seen = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    return wide > seen


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until what the selector means has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.locator(selector).and_(page.locator(":focus")).count():
            return
    raise AssertionError(f"Tab never reaches {selector}")
