"""Every sentence that the steps' code can say to people, found in the code itself.

A sentence is what StepError, Problem or FileError is raised or made with, or what a warning's
function yields. A value in it is stood for by X1, X2 and so on, as in what a step would write.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

CONTAINERS = Path(__file__).parents[2] / "containers"
# By what people's sentences are made with: which of its arguments are sentences.
MADE_WITH = {"StepError": (0,), "_leave": (1,), "Problem": (0, 1), "error": (0, 1)}
KEYWORDS = {"what", "fix"}
# Functions that return or yield whole sentences of steps.
SAYING = {
    "contract/dataset_checks.py": {"warnings", "rejection", "combinations"},
    "contract/feature_file.py": {"problems", "_imports", "_names", "_function"},
    "contract/features.py": {"warnings", "failure"},
    "contract/precision.py": {"fix"},
    "gather/program.py": {"died"},
}
# Functions of one file that take what is wrong with a cell.
OF_CELLS = {"reading/validation.py": {"_add": (2,), "_found": (2,), "lit": (0,)}}
# What stands before the sentences of a file, where another function puts it.
BEFORE = {"contract/feature_file.py": "features.py "}
REFUSED = "trainer.parameters.X1: X2 "


@dataclass(frozen=True)
class Found:
    """A sentence, or an expression that the code alone does not tell the sentences of."""

    where: str
    sentence: str | None
    expression: str


def sentences() -> list[Found]:
    """All of them, each once."""
    return list(dict.fromkeys(one for path in _files() for one in _of_file(path)))


def _files() -> list[Path]:
    return sorted(CONTAINERS.rglob("*.py"))


def _of_file(path: Path) -> Iterator[Found]:
    tree, name = _tree(path), path.relative_to(CONTAINERS).as_posix()
    for node in ast.walk(tree):
        spoken: list[ast.expr] = []
        if isinstance(node, ast.Call):
            spoken = _spoken(node, {**MADE_WITH, **OF_CELLS.get(name, {})})
        elif isinstance(node, ast.FunctionDef) and node.name in SAYING.get(name, ()):
            spoken = _answers(node)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "REFUSED":
            yield from (Found(name, REFUSED + text, text) for text in _refusals(node.value))
        for expression in spoken:
            said, texts = ast.unparse(expression), _texts(expression, tree)
            for text in map(_numbered, texts):
                before = BEFORE.get(name, "") if text.startswith("line ") else ""
                yield Found(name, before + text, said)
            if not texts:
                yield Found(name, None, said)


def _refusals(parameters: ast.expr) -> list[str]:
    """Why each parameter is refused: of all the texts there, those that are no names."""
    every = [str(node.value) for node in ast.walk(parameters) if isinstance(node, ast.Constant)]
    return [text for text in every if " " in text]


def _spoken(call: ast.Call, made_with: dict[str, tuple[int, ...]]) -> list[ast.expr]:
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if name == "error" and not (isinstance(function, ast.Attribute) and len(call.args) == 3):
        return []  # of other things
    given = [call.args[place] for place in made_with.get(name, ()) if place < len(call.args)]
    named = [each.value for each in call.keywords if name == "Problem" and each.arg in KEYWORDS]
    return [*given, *named]


def _answers(function: ast.FunctionDef) -> list[ast.expr]:
    """What a function returns or yields, without the parts of a list."""
    found: list[ast.expr] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
            value = node.value.body if isinstance(node.value, ast.IfExp) else node.value
            found += value.elts if isinstance(value, ast.List) else [node.value]
    return [one for one in found if not isinstance(one, ast.List | ast.ListComp)]


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _texts(node: ast.expr, tree: ast.Module, depth: int = 0) -> list[str]:
    """The texts that an expression may be, with a mark for each value; none where none is seen."""
    if depth > 4:
        return []
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            return _joined([_part(each, tree, depth) for each in values])
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _joined([_texts(left, tree, depth), _texts(right, tree, depth)])
        case ast.IfExp(body=one, orelse=other):
            alternatives = [one, other]
        case ast.BoolOp(values=alternatives):
            pass
        case ast.Name(id=name):
            depth += 1
            alternatives = _assigned(name, tree) or _constant(name)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            depth += 1
            alternatives = [
                answer
                for each in ast.walk(tree)
                if isinstance(each, ast.FunctionDef) and each.name == name
                for answer in _answers(each)
            ]
        case _:
            return []
    return [text for each in alternatives for text in _texts(each, tree, depth)]


_VALUE = "\x00"


def _part(node: ast.expr, tree: ast.Module, depth: int) -> list[str]:
    """A value that is made of words itself, or a mark for one of the data."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    assert isinstance(node, ast.FormattedValue)
    return _texts(node.value, tree, depth + 1) or [_VALUE]


def _joined(parts: list[list[str]]) -> list[str]:
    return list(dict.fromkeys("".join(chosen) for chosen in product(*parts)))


def _numbered(text: str) -> str:
    first, *others = text.split(_VALUE)
    return first + "".join(f"X{number}{words}" for number, words in enumerate(others, start=1))


def _constant(name: str) -> list[ast.expr]:
    """What a name in capitals is, wherever among the steps."""
    if not name.isupper():
        return []
    found = [value for path in _files() for value in _assigned(name, _tree(path))]
    return found if len(found) == 1 else []


def _assigned(name: str, tree: ast.Module) -> list[ast.expr]:
    """What is assigned to a name anywhere in the module."""
    found: list[ast.expr] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id == name:
                found.append(node.value)
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                found += [
                    value
                    for one, value in zip(target.elts, node.value.elts, strict=False)
                    if isinstance(one, ast.Name) and one.id == name
                ]
    return found
