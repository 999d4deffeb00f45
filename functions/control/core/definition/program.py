"""Can `gather.py` be run? Standard library only.

What it imports is its own matter: it has a network, and all that Python and its image have.
"""

import ast
from collections.abc import Iterator

FILE = "gather.py"
FUNCTION = "gather"
MOST_BYTES = 200_000
_DEFINE = f"write `def {FUNCTION}(folder, secret):`, which writes data files into folder"


class ProgramError(Exception):
    """gather.py cannot be run; the message says where and how to fix it."""


def check(source: bytes) -> None:
    """Raise ProgramError with the first thing that keeps gather.py from being run."""
    if len(source) > MOST_BYTES:
        raise ProgramError(
            f"{FILE} has {len(source)} bytes; write at most {MOST_BYTES}, and keep data elsewhere"
        )
    try:
        tree = ast.parse(source.decode())
    except UnicodeDecodeError as error:
        raise ProgramError(
            f"{FILE} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from error
    except SyntaxError as error:
        raise ProgramError(
            f"{FILE} line {error.lineno or 1}: is not Python: {error.msg}; fix the line"
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise ProgramError(f"{FILE} is not Python: {error or type(error).__name__}; fix it") from (
            error
        )
    for line, problem in _of_function(tree):
        raise ProgramError(f"{FILE} line {line}: {problem}")


def _of_function(tree: ast.Module) -> Iterator[tuple[int, str]]:
    found = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == FUNCTION
    ]
    if not found:
        yield 1, f"defines no function {FUNCTION}; {_DEFINE}"
        return
    for again in found[1:]:
        yield again.lineno, f"defines {FUNCTION} a second time; remove one"
    function, given = found[0], found[0].args
    if isinstance(function, ast.AsyncFunctionDef):
        yield function.lineno, f"{FUNCTION} is asynchronous; {_DEFINE}"
    others = given.kwonlyargs or given.vararg or given.kwarg or given.defaults
    if len(given.posonlyargs + given.args) != 2 or others:
        words = "must take two arguments, the folder and the secret"
        yield function.lineno, f"{FUNCTION} {words}; {_DEFINE}"
