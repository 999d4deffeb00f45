"""Can features.py of a model's folder be run? Standard library only.

The command line asks before it publishes the folder, a step before it runs the file.
"""

import ast
from collections.abc import Iterator

NAME = "features.py"
FUNCTION = "features"
# What the file may import besides polars: the images have it, and it reads no file and no clock.
MODULES = ("collections", "functools", "itertools", "math", "operator", "re", "string", "typing")
NAMES = ("__import__", "compile", "eval", "exec", "input", "open")
LONGEST = 200_000
_DEFINE = f"write `def {FUNCTION}(frame):`, which takes and returns a polars DataFrame"


def problems(source: bytes, where: str = NAME) -> list[str]:
    """What keeps the file from being run, a line for each reason; `where` names it."""
    if len(source) > LONGEST:
        return [f"{where} is longer than {LONGEST:,} bytes; write less code"]
    try:
        tree = ast.parse(source.decode())
    except UnicodeDecodeError as error:
        return [f"{where} is not UTF-8 text (byte {error.start}); save it as UTF-8"]
    except SyntaxError as error:
        return [f"{where} line {error.lineno or 1}: is not Python: {error.msg}; fix the line"]
    except (ValueError, RecursionError, MemoryError) as error:
        return [f"{where} is not Python: {error or type(error).__name__}; fix the file"]
    found = (*_imports(tree), *_names(tree), *_function(tree))
    return [f"{where} {problem}" for problem in found]


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        else:
            continue
        for name in names:
            if name.partition(".")[0] not in ("__future__", "polars", *MODULES):
                yield (
                    f"line {node.lineno}: cannot import {name}, only polars and of Python "
                    f"{', '.join(MODULES)}; write everything into this one file"
                )


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in NAMES:
            yield (
                f"line {node.lineno}: cannot use {node.id}: features follow from the frame alone; "
                "write constants into this file"
            )


def _function(tree: ast.Module) -> Iterator[str]:
    found = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == FUNCTION
    ]
    if not found:
        yield f"line 1: defines no function {FUNCTION}; {_DEFINE}"
        return
    for again in found[1:]:
        yield f"line {again.lineno}: defines {FUNCTION} a second time; remove one"
    function, given = found[0], found[0].args
    if isinstance(function, ast.AsyncFunctionDef):
        yield f"line {function.lineno}: {FUNCTION} is asynchronous; {_DEFINE}"
    others = given.kwonlyargs or given.vararg or given.kwarg or given.defaults
    if len(given.posonlyargs + given.args) != 1 or others:
        yield f"line {function.lineno}: {FUNCTION} must take one argument, the frame; {_DEFINE}"
