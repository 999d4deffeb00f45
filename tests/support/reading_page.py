"""Reads a page strictly: refuses what is not well formed, not allowed or not accessible."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "br"}
# In SVG an element may close itself.
SELF_CLOSING = {"circle", "line", "path", "rect"}
# fmt: off
ELEMENTS = VOID | SELF_CLOSING | {
    "html", "head", "title", "style", "body", "a", "p", "div", "header", "main", "section", "nav",
    "footer", "h1", "h2", "h3", "time", "ul", "li", "dl", "dt", "dd", "figure", "figcaption",
    "table", "caption", "thead", "tbody", "tr", "th", "td", "span", "code", "bdi", "svg", "desc",
    "g", "text", "details", "summary", "strong",
}
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "href", "class", "id", "role", "tabindex",
    "scope", "datetime", "data-label", "aria-label", "aria-labelledby", "aria-hidden", "focusable",
    "viewbox", "fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin",
    "preserveaspectratio", "x", "x1", "x2", "y", "y1", "y2", "cx", "cy", "r", "d", "width",
    "height", "transform", "text-anchor",
}
# fmt: on
# What a page may say in attributes is written by us, but for these three.
FOREIGN_ATTRIBUTES = {"data-label", "content"}


@dataclass
class Element:
    """A start tag and what is inside it, in the order of the page."""

    tag: str
    attributes: dict[str, str]
    inside: list[Element | str] = field(default_factory=list)
    # Every element inside, at any depth, in the order of the page.
    descendants: list[Element] = field(default_factory=list, repr=False)

    @property
    def children(self) -> list[Element]:
        """The elements directly inside."""
        return [each for each in self.inside if isinstance(each, Element)]

    @property
    def text(self) -> str:
        """All text inside, at any depth."""
        return "".join(each if isinstance(each, str) else each.text for each in self.inside)

    def all(self, *tags: str) -> list[Element]:
        """Every descendant with one of these tags, in the order of the page."""
        return [each for each in self.descendants if each.tag in tags]

    def skeleton(self) -> list[object]:
        """Tags and attribute names, all the way down; what foreign text must never change."""
        inner = [child.skeleton() for child in self.children if child.tag != "bdi"]
        return [self.tag, sorted(self.attributes), inner]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("page", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_element(tag, attrs)
        if tag not in VOID:
            inside = self.open[-1].inside[-1]
            assert isinstance(inside, Element)
            self.open.append(inside)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SELF_CLOSING, tag
        self.handle_element(tag, attrs)

    def handle_element(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert tag in ELEMENTS, f"unexpected element {tag}"
        assert len(set(names)) == len(names), f"attribute twice in {tag}: {names}"
        assert set(names) <= ATTRIBUTES, f"unexpected attribute in {tag}: {names}"
        values = {name: value or "" for name, value in attrs}
        element = Element(tag, values)
        self.open[-1].inside.append(element)
        for around in self.open:
            around.descendants.append(element)

    def handle_endtag(self, tag: str) -> None:
        closed = self.open.pop()
        assert closed.tag == tag, f"{closed.tag} closed by {tag}"

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"comment {data!r}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"processing instruction {data!r}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"declaration {data!r}")


def read(page: str) -> Element:
    """The page as a tree, once it has passed every check."""
    assert page.startswith("<!DOCTYPE html>")
    assert len(page.encode("utf-8")) < 300_000
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", page
    )
    builder = _Builder()
    builder.feed(page)
    builder.close()
    assert builder.open == [builder.root], "an element was left open"
    everything = builder.root.descendants
    _closed_to_the_world(builder.root)
    _names_resolve(everything)
    _headings_in_order(builder.root)
    for table in builder.root.all("table"):
        _readable_table(table)
    for folded in builder.root.all("details"):
        _foldable(folded)
    for drawing in builder.root.all("svg"):
        _readable_drawing(drawing)
    return builder.root


def _closed_to_the_world(root: Element) -> None:
    """No address, no script, one style sheet: the one the policy names by its digest."""
    for element in root.descendants:
        for name, value in element.attributes.items():
            assert name != "href" or value.startswith("#"), value
            if name not in FOREIGN_ATTRIBUTES:
                assert "://" not in value, value
    (style,) = root.all("style")
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    assert "url(" not in style.text
    assert "@import" not in style.text
    (policy,) = (
        each.attributes["content"]
        for each in root.all("meta")
        if each.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _names_resolve(everything: list[Element]) -> None:
    names = [each.attributes["id"] for each in everything if "id" in each.attributes]
    assert len(set(names)) == len(names), "an id is there twice"
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)
    for each in everything:
        for name in each.attributes.get("aria-labelledby", "").split():
            assert name in names
        if "href" in each.attributes:
            assert each.attributes["href"][1:] in names


def _headings_in_order(root: Element) -> None:
    levels = [int(each.tag[1]) for each in root.all("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(each.text.strip() for each in root.all("h1", "h2", "h3"))
    assert [len(root.all(tag)) for tag in ("header", "main", "nav", "footer")] == [1, 1, 1, 1]


def _readable_table(table: Element) -> None:
    (caption,) = table.all("caption")
    assert caption.text.strip()
    (head,), (body,) = table.all("thead"), table.all("tbody")
    columns = head.all("th")
    assert all(each.attributes["scope"] == "col" and each.text.strip() for each in columns)
    for row in body.all("tr"):
        cells = row.all("th", "td")
        assert len(cells) == len(columns)
        assert [each.attributes["scope"] for each in row.all("th")] == ["row"]
        assert all(each.text.strip() for each in cells)


def _foldable(folded: Element) -> None:
    """It says what it holds, and is closed."""
    assert folded.attributes == {}
    assert [each.tag for each in folded.children].count("summary") == 1
    assert folded.children[0].tag == "summary"
    assert folded.children[0].text.strip()
    assert len(folded.children) > 1


def _readable_drawing(drawing: Element) -> None:
    if drawing.attributes.get("aria-hidden") == "true":
        return
    assert drawing.attributes["role"] == "img"
    (title,), (description,) = drawing.all("title"), drawing.all("desc")
    assert title.text.strip()
    assert description.text.strip()
    _, _, width, height = (float(side) for side in drawing.attributes["viewbox"].split())
    sides = {"x": width, "y": height, "r": width, "w": width, "h": height, "c": 0.0}
    for each in drawing.all("circle", "line", "rect", "text"):
        for name in {"x", "x1", "x2", "y", "y1", "y2", "cx", "cy", "r", "width", "height"} & set(
            each.attributes
        ):
            side = sides[name[1] if name[0] == "c" else name[0]]
            assert -10 <= float(each.attributes[name]) <= side + 10, each
    for each in drawing.all("path"):
        places = re.findall(r"[ML]([-\d.]+) ([-\d.]+)", each.attributes["d"])
        assert places, each
        for x, y in places:
            assert 0 <= float(x) <= width, each
            assert 0 <= float(y) <= height, each


def folded(page: Element) -> list[str]:
    """What is folded, by its summary."""
    return [" ".join(each.children[0].text.split()) for each in page.all("details")]


def headings(page: Element) -> list[str]:
    return [" ".join(each.text.split()) for each in page.all("h1", "h2")]


def rows_of(page: Element, id: str) -> list[list[str]]:
    (table,) = (each for each in page.all("table") if each.attributes["id"] == id)
    return [
        [" ".join(cell.text.split()) for cell in row.all("th", "td")]
        for row in table.all("tbody")[0].all("tr")
    ]
