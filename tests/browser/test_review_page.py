"""The review page as it is seen: how long it is, what is cut, what is printed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import CHROMIUM, PROJECT, violations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="SKIPPED: there is no Chromium on this machine"),
]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
A4 = {"width": 718, "height": 1047}  # in CSS pixels, within margins of one centimetre
# What a reader scrolls through without losing the thread, in CSS pixels.
TALLEST = {1280: 3500, 390: 7000}


@pytest.fixture(scope="session")
def churn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The review page of churn's second release, which has a champion beside it."""
    page = tmp_path_factory.mktemp("review") / "churn.html"
    subprocess.run(
        [PROJECT / ".venv/bin/python", "-m", "tests.support.reviewed_churn", page],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )
    return page


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def shown(request: pytest.FixtureRequest, browser: Browser, churn: Path) -> Iterator[Page]:
    context = browser.new_context(viewport=request.param, bypass_csp=True)
    page = context.new_page()
    page.goto(churn.as_uri())
    yield page
    context.close()


def unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")


def test_a_typical_page_is_short(shown: Page):
    assert shown.viewport_size is not None

    height = shown.evaluate("document.documentElement.scrollHeight")

    assert height <= TALLEST[shown.viewport_size["width"]]


def test_the_page_never_scrolls_sideways_also_unfolded(shown: Page):
    assert shown.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    unfold(shown)
    assert shown.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


# Where the words of labels are on more lines than the spaces and hyphens between them allow. Each
# word is measured on its own: one that is broken has boxes on two lines.
BROKEN = """() => {
  const broken = [];
  const labels = 'h1, h2, h3, th, td, caption, summary, dt, dd, figcaption, .tag, .key span';
  for (const label of document.querySelectorAll(labels)) {
    if (label.tagName === 'TD' && label.querySelector('code')) continue;  // a digest may break
    const walker = document.createTreeWalker(label, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      for (const word of node.data.matchAll(/[\\p{L}\\p{N}_]+/gu)) {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        const tops = new Set([...range.getClientRects()].map(box => Math.round(box.top)));
        if (tops.size > 1) broken.push(word[0]);
      }
    }
  }
  return broken;
}"""


def test_no_label_is_broken_inside_a_word(shown: Page):
    unfold(shown)

    assert shown.evaluate(BROKEN) == []


def test_no_text_of_a_drawing_is_cut_or_runs_into_its_neighbour(shown: Page):
    unfold(shown)

    cut = shown.evaluate(
        """() => {
          const found = [];
          for (const drawing of document.querySelectorAll('svg.chart')) {
            const frame = drawing.getBoundingClientRect();
            const texts = [...drawing.querySelectorAll('text')].map(
              each => [each.textContent, each.getBoundingClientRect()]);
            for (const [text, box] of texts)
              if (box.left < frame.left - 12 || box.right > frame.right + 12) found.push(text);
            for (const [one, a] of texts) for (const [other, b] of texts)
              if (a.left < b.left && a.right > b.left + 1
                  && Math.abs(a.top - b.top) < 3) found.push(one + ' | ' + other);
          }
          return found;
        }"""
    )

    assert cut == []


def test_a_table_that_is_too_wide_shows_that_it_scrolls_and_takes_the_focus(
    browser: Browser, churn: Path
):
    context = browser.new_context(viewport={"width": 280, "height": 800}, bypass_csp=True)
    page = context.new_page()
    page.goto(churn.as_uri())
    unfold(page)

    wide = page.evaluate(
        """() => [...document.querySelectorAll('.scroll')]
          .filter(each => each.scrollWidth > each.clientWidth + 1)
          .map(each => [each.tabIndex, getComputedStyle(each).backgroundImage])"""
    )

    assert wide
    for reached_by_key, shadows in wide:
        assert reached_by_key == 0
        assert shadows.count("linear-gradient") == 4
    context.close()


def test_on_paper_everything_is_unfolded(browser: Browser, churn: Path):
    context = browser.new_context(viewport=DESKTOP, bypass_csp=True)
    page = context.new_page()
    page.goto(churn.as_uri())
    hidden = """() => [...document.querySelectorAll('details table')].filter(
      each => !each.checkVisibility({contentVisibilityAuto: true})
              || each.getBoundingClientRect().height < 20).length"""
    assert page.evaluate(hidden) > 5

    page.emulate_media(media="print")

    # Chromium unlocks what was folded with its next frame, not within the call.
    page.wait_for_function(f"({hidden})() === 0", timeout=10_000)
    context.close()


def test_on_paper_no_table_is_wider_than_the_sheet(browser: Browser, churn: Path):
    context = browser.new_context(viewport=A4, bypass_csp=True)
    page = context.new_page()
    page.goto(churn.as_uri())
    page.emulate_media(media="print")
    page.wait_for_function("document.querySelector('details table').checkVisibility()")

    wide = page.evaluate(
        """() => [...document.querySelectorAll('table')]
          .filter(each => each.getBoundingClientRect().right > innerWidth + 1)
          .map(each => each.id)"""
    )

    assert wide == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_unfolded_page_does_not_offend_axe(shown: Page, scheme: str):
    shown.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    unfold(shown)

    assert violations(shown) == []
