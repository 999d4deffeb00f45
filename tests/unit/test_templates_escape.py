"""Every page escapes every text: no template and no code says that a text is safe as it is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

PROJECT = Path(__file__).parents[2]
FOLDERS = ("functions/control/core", "kanmon")
TEMPLATES = [
    path.relative_to(PROJECT).as_posix()
    for folder in FOLDERS
    for path in sorted((PROJECT / folder).rglob("*.jinja"))
]
# The one place that makes markup: a text of the catalogue, escaped, its values escaped too.
MAKES_MARKUP = {"functions/control/core/review/rendering.py": 1}


def unescaped(template: str) -> list[str]:
    """Whatever in a template lets a text through as it is."""
    tree = Environment(autoescape=True, extensions=["jinja2.ext.do"]).parse(template)
    filters = [f"|{one.name}" for one in tree.find_all(nodes.Filter) if one.name == "safe"]
    marked = [type(one).__name__ for one in tree.find_all(nodes.MarkSafe)]
    switched = [
        f"autoescape, line {one.lineno}" for one in tree.find_all(nodes.ScopedEvalContextModifier)
    ]
    named = [
        one.name for one in tree.find_all(nodes.Name) if one.name.lower() in {"markup", "safe"}
    ]
    tested = [
        f"map({one.args[0].value!r})"
        for one in tree.find_all(nodes.Filter)
        if one.name == "map"
        and one.args
        and isinstance(one.args[0], nodes.Const)
        and one.args[0].value == "safe"
    ]
    return [*filters, *marked, *switched, *named, *tested]


def test_the_pages_templates_are_found() -> None:
    assert "functions/control/core/review/page.html.jinja" in TEMPLATES
    assert "kanmon/console/templates/release.html.jinja" in TEMPLATES


@pytest.mark.parametrize("path", TEMPLATES)
def test_no_template_lets_a_text_through_unescaped(path: str) -> None:
    assert unescaped((PROJECT / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "template",
    [
        "{{ reason | safe }}",
        "{{ reason | upper | safe }}",
        "{% filter safe %}{{ reason }}{% endfilter %}",
        "{% autoescape false %}{{ reason }}{% endautoescape %}",
        "{{ Markup(reason) }}",
        "{{ reasons | map('safe') | join }}",
        "{% set shown = reason | safe %}{{ shown }}",
    ],
)
def test_every_way_around_the_escaping_is_seen(template: str) -> None:
    assert unescaped(template) != []


def test_only_the_catalogues_texts_are_made_into_markup() -> None:
    found = {}
    for folder in FOLDERS:
        for path in sorted((PROJECT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            calls = [
                node
                for node in ast.walk(tree)
                if isinstance(node, ast.Call)
                and (getattr(node.func, "id", None) or getattr(node.func, "attr", None))
                in {"Markup", "mark_safe"}
            ]
            if calls:
                found[path.relative_to(PROJECT).as_posix()] = len(calls)

    assert found == MAKES_MARKUP
