"""Every word of a page comes from the catalogue, so it is in the stage's language."""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment

from core.monitoring.page import page as monitoring_page
from core.review import page as review_page
from core.words.language import Speech, speaking
from tests.support.monitoring_documents import (
    alarming_report,
    no_data_report,
    sample_plan,
    sample_report,
)
from tests.support.sample_documents import documents
from tests.support.sample_models import METRICS

CORE = Path(__file__).parents[2] / "functions/control/core"
TEMPLATES = sorted(CORE.rglob("*.html.jinja"))
# What renders: in these folders a text of several words is read by people, or is a name.
RENDERERS = [
    *sorted((CORE / "review").glob("*.py")),
    *sorted((CORE / "monitoring/page").glob("*.py")),
]
RENDERERS += [CORE / "monitoring/words.py"]
# A command is typed as it is.
COMMAND = re.compile(r"<code>kanmon .*?</code>")
WORDS = re.compile(r"[A-Za-z]{2,}[ ,]+[A-Za-z]{2,}")
# Names of several words that documents have; the catalogue has their texts.
NAMES = {
    *("no data", "too few rows", "no baseline", "not captured", "no model"),
    *("rejected rows", "text short number", "quality dropped", "monitoring recovered"),
}
TOKYO = Speech("ja", "Asia/Tokyo")
# What the model's own files say, and names that are written in English everywhere.
FOREIGN = (
    "Customers who leave within the next month.",
    "Age of abalone, in rings, from measurements of the shell.",
    "Which of four segments a site's member belongs to.",
    "population stability index",
    "kanmon put-labels",
    *("kanmon approve", "kanmon reject"),
)


def literals(template: str) -> list[str]:
    """The words that a template holds itself, outside of tags, scripts and commands."""
    bare = COMMAND.sub("", template)
    parts = [value for _, kind, value in Environment(autoescape=True).lex(bare) if kind == "data"]
    text = re.sub(r"<[^>]*>", "\n", "\x00".join(parts))
    return re.findall(r"[A-Za-z\u3040-\u9fff]{2,}", re.sub(r"<[^>]*\x00|\x00[^<]*>", "", text))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_no_words_of_its_own(path: Path) -> None:
    assert literals(path.read_text(encoding="utf-8")) == []


def test_words_in_a_template_would_be_found() -> None:
    assert literals('<p class="quiet">{{ say("a.b") }} of {{ total }}</p>') == ["of"]


@pytest.mark.parametrize("path", RENDERERS, ids=lambda path: path.name)
def test_code_that_renders_holds_no_sentence(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and isinstance(node.body[0], ast.Expr)
    }
    found = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documented
        and WORDS.search(node.value)
    }

    assert {text for text in found if text not in NAMES and "." not in text} == set()


class Words(HTMLParser):
    """What a person reads or hears of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.language = ""
        self.texts: list[str] = []
        self._quiet = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._quiet = tag == "style"
        for name, value in attrs:
            if name == "lang":
                self.language = value or ""
            if name in ("aria-label", "data-label"):
                self.texts.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._quiet = False

    def handle_data(self, data: str) -> None:
        if not self._quiet:
            self.texts.append(data)


def english(page: str) -> list[str]:
    """Words beside each other in English, without what is foreign to the page."""
    reader = Words()
    reader.feed(page)
    assert reader.language == "ja"
    text = "\n".join(reader.texts)
    for each in FOREIGN:
        text = text.replace(each, "")
    return [match.group() for match in WORDS.finditer(text)]


@pytest.mark.parametrize("champion", [True, False])
@pytest.mark.parametrize("task", METRICS)
def test_a_japanese_review_page_holds_no_english(task: str, champion: bool) -> None:
    with speaking(TOKYO):
        page = review_page.render(**documents(task, champion=champion))

    assert english(page) == []
    assert "JST" in page
    assert "判定: " in page


@pytest.mark.parametrize("report", [alarming_report, sample_report, no_data_report])
def test_a_japanese_monitoring_page_holds_no_english(report: object) -> None:
    assert callable(report)
    with speaking(TOKYO):
        page = monitoring_page.render(sample_plan(), report(), closed_at="2026-11-21T06:00:00Z")

    assert english(page) == []
    assert "2026年11月21日 15:00 JST" in page


def test_a_page_says_in_which_language_it_is() -> None:
    assert '<html lang="en">' in review_page.render(**documents("binary"))
