"""The catalogue of texts: nothing in it is missing, unused or filled wrongly."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, nodes

from core.metrics import DIRECTION
from core.words.catalogue import catalogue, say

ROOT = Path(__file__).parents[3]
# Where the texts are used.
FOLDERS = (ROOT / "functions/control", ROOT / "kanmon")
COUNT = frozenset({"count"})

# A use: where it is, a pattern of keys (`*` is any name in it), the values that are given, and
# whether these are all: a `**` may give more.
Use = tuple[str, str, frozenset[str], bool]


def uses() -> list[Use]:
    return [
        use
        for folder in FOLDERS
        for path in sorted(folder.rglob("*"))
        for use in {".py": in_python, ".jinja": in_template}.get(path.suffix, no_uses)(path)
    ]


def no_uses(path: Path) -> Iterator[Use]:
    return iter(())


def in_python(path: Path) -> Iterator[Use]:
    source = path.read_text(encoding="utf-8")
    for call in ast.walk(ast.parse(source)) if "core.words" in source else ():
        if not isinstance(call, ast.Call):
            continue
        where = f"{path.name}:{call.lineno}"
        name = getattr(call.func, "id", "")
        if name == "say":
            names = [keyword.arg for keyword in call.keywords]
            given = frozenset(each for each in names if each)
            # `counted` may name any thing: what it is called with is looked at below.
            for pattern in patterns(call.args[0]):
                if pattern != "things.*.*":
                    yield where, pattern, given, None not in names
        elif name == "found":
            yield where, f"{constant(call.args[0])}.*", frozenset(), True
        elif name == "counted" and isinstance(call.args[1], ast.Constant):
            yield where, f"things.{constant(call.args[1])}.*", COUNT, True
        for keyword in call.keywords:
            if name == "table" and keyword.arg == "thing":
                yield where, f"things.{constant(keyword.value)}.*", COUNT, True


def constant(node: ast.AST) -> str:
    assert isinstance(node, ast.Constant), ast.dump(node)
    return str(node.value)


def patterns(node: ast.AST) -> list[str]:
    """The keys that an expression may give; the part of one that is computed is `*`."""
    if isinstance(node, ast.IfExp):
        return patterns(node.body) + patterns(node.orelse)
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "*" for part in node.values]
        return ["".join(str(part) for part in parts)]
    return [constant(node)]


def in_template(path: Path) -> Iterator[Use]:
    tree = Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "say":
            given = frozenset(keyword.key for keyword in call.kwargs)
            for key in template_keys(call.args[0]):
                yield f"{path.name}:{call.lineno}", key, given, True


def template_keys(node: nodes.Node) -> list[str]:
    if isinstance(node, nodes.CondExpr):
        assert node.expr2 is not None
        return template_keys(node.expr1) + template_keys(node.expr2)
    assert isinstance(node, nodes.Const), node
    return [node.value]


def matching(pattern: str) -> list[str]:
    expression = re.escape(pattern).replace(r"\*", "[^.]+")
    return [key for key in catalogue() if re.fullmatch(expression, key)]


def places_in(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)


def test_every_key_that_is_used_exists_and_gets_the_values_it_has_places_for() -> None:
    wrong: list[Any] = []
    for where, pattern, given, complete in uses():
        keys = matching(pattern)
        wrong += [(where, pattern)] if not keys else []
        for key in keys:
            places = places_in(catalogue()[key])
            if not (given == places if complete else given <= places):
                wrong.append((where, key, sorted(given), sorted(places)))

    assert wrong == []


def test_every_text_is_used() -> None:
    used = {key for _, pattern, _, _ in uses() for key in matching(pattern)}

    assert sorted(set(catalogue()) - used) == []


def test_every_metric_has_a_name_and_a_meaning() -> None:
    for section in ("metrics.label", "metrics.meaning"):
        assert {key.removeprefix(f"{section}.") for key in matching(f"{section}.*")} == set(
            DIRECTION
        )


def test_a_text_is_filled_and_its_values_are_never_read_as_text_again() -> None:
    assert say("gate.metric", metric="{words}", words="{0.__class__}") == "{words}: {0.__class__}"


def test_a_key_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        say("gate.no_such_rule")
