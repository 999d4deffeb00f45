"""Metric math: the part of CloudWatch's language that alarms on a service's errors and times use.

A value is a number, or a series: one number or None per period, all of the same length. What is
missing stays missing through every operator, and a division by zero is missing.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Series = list[float | None]
Value = float | Series

TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?|\.\d+)|(?P<name>[A-Za-z_]\w*)|(?P<sign>>=|<=|[-+*/()<>,]))"
)
SIGNS: dict[str, Callable[[float, float], float | None]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b if b else None,
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    "AND": lambda a, b: float(bool(a) and bool(b)),
}
# From the loosest to the tightest.
LEVELS = (("AND",), (">", ">=", "<", "<="), ("+", "-"), ("*", "/"))
# Function -> the numbers of arguments it takes.
FUNCTIONS = {"ABS": (1,), "FILL": (2,), "IF": (2, 3)}


class ExpressionError(ValueError):
    """The expression cannot be evaluated; the message names the reason."""


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Call:
    """A function or an operator."""

    function: str
    arguments: tuple["Node", ...]


Node = Number | Name | Call


def parse(text: str) -> Node:
    """Read an expression. Raises ExpressionError."""
    return _Parser(text).whole()


def names(node: Node) -> set[str]:
    """The ids an expression refers to.

    >>> sorted(names(parse("IF(m2 > 0, 100 * m1 / m2, 0)")))
    ['m1', 'm2']
    """
    if isinstance(node, Name):
        return {node.name}
    return set().union(*map(names, node.arguments)) if isinstance(node, Call) else set()


def evaluate(node: Node, known: Mapping[str, Value]) -> Value:
    """The value of an expression, from those of the metrics and expressions it names."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Name):
        return known[node.name]
    values = [evaluate(argument, known) for argument in node.arguments]
    if node.function == "FILL":
        return _filled(*values)
    if node.function == "IF":
        return _chosen(*values)
    if node.function == "ABS":
        return _together(abs, *values)
    return _together(SIGNS[node.function], *values)


def _together(change: Callable[..., float | None], *values: Value) -> Value:
    """Apply it at each moment; a number is itself at every one."""
    lengths = {len(value) for value in values if isinstance(value, list)}
    if not lengths:
        result = change(*values)
        return math.nan if result is None else result
    rows = zip(*(_at_each(value, max(lengths)) for value in values), strict=True)
    changed: Series = [None if None in row else change(*row) for row in rows]
    return changed


def _chosen(condition: Value, then: Value, otherwise: Value | None = None) -> Value:
    if not isinstance(condition, list):
        return then if condition else ([] if otherwise is None else otherwise)
    length = len(condition)
    rows = zip(
        _at_each(condition, length),
        _at_each(then, length),
        [None] * length if otherwise is None else _at_each(otherwise, length),
        strict=True,
    )
    return [None if test is None else (yes if test else no) for test, yes, no in rows]


def _filled(value: Value, filler: Value) -> Value:
    if isinstance(filler, list):
        raise ExpressionError("FILL takes a number here")
    if not isinstance(value, list):
        return value
    return [filler if one is None else one for one in value]


def _at_each(value: Value, length: int) -> Series:
    return value if isinstance(value, list) else [value] * length


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._read(text))
        self._at = 0

    def whole(self) -> Node:
        node = self._level(0)
        if self._at < len(self._tokens):
            raise self._wrong(f"unexpected {self._tokens[self._at]!r}")
        return node

    def _read(self, text: str) -> list[str]:
        tokens, at = [], 0
        while text[at:].strip():
            found = TOKEN.match(text, at)
            if not found:
                raise self._wrong(f"unexpected {text[at:].strip()[0]!r}")
            tokens.append(found[found.lastgroup or 0])
            at = found.end()
        return tokens

    def _level(self, level: int) -> Node:
        if level == len(LEVELS):
            return self._single()
        node = self._level(level + 1)
        while self._next() in LEVELS[level]:
            sign = self._take()
            node = Call(sign, (node, self._level(level + 1)))
        return node

    def _single(self) -> Node:
        taken = self._take()
        if taken == "-":
            return Call("-", (Number(0.0), self._single()))
        if taken == "(":
            node = self._level(0)
            self._expect(")")
            return node
        if taken[0].isdigit() or taken[0] == ".":
            return Number(float(taken))
        if self._next() == "(":
            return self._call(taken)
        if taken[0].islower():
            return Name(taken)
        raise self._wrong(f"unexpected {taken!r}")

    def _call(self, function: str) -> Node:
        if function not in FUNCTIONS:
            raise self._wrong(f"localaws does not have the function {function}")
        self._take()
        arguments = self._arguments()
        if len(arguments) not in FUNCTIONS[function]:
            raise self._wrong(f"{function} does not take {len(arguments)} arguments")
        return Call(function, arguments)

    def _arguments(self) -> tuple[Node, ...]:
        arguments: list[Node] = []
        if self._next() == ")":
            self._take()
            return ()
        while True:
            arguments.append(self._level(0))
            if self._take() == ")":
                return tuple(arguments)
            if self._tokens[self._at - 1] != ",":
                raise self._wrong("a comma or ) is missing")

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._next()
        if not token:
            raise self._wrong("it ends too soon")
        self._at += 1
        return token

    def _expect(self, token: str) -> None:
        if self._take() != token:
            raise self._wrong(f"{token} is missing")

    def _wrong(self, what: str) -> ExpressionError:
        return ExpressionError(f"Error in expression '{self._text}': {what}")
