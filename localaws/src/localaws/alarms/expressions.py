"""Metric math: the part of CloudWatch's language that alarms use.

A value is a number, a series (one number or None per period, all of the same length) or a list of
series. What is missing stays missing through every operator, and a division by zero is missing.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Series = list[float | None]
Value = float | Series | list[Series]

TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?|\.\d+)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>>=|<=|==|!=|&&|\|\||[-+*/^()<>,\[\]]))"
)
SIGNS: dict[str, Callable[[float, float], float | None]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b if b else None,
    "^": lambda a, b: _real(a, b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "AND": lambda a, b: float(bool(a) and bool(b)),
    "OR": lambda a, b: float(bool(a) or bool(b)),
}
# From the loosest to the tightest.
LEVELS = (
    ("OR", "||"),
    ("AND", "&&"),
    (">", ">=", "<", "<=", "==", "!="),
    ("+", "-"),
    ("*", "/"),
    ("^",),
)
WORDS = {"||": "OR", "&&": "AND"}
# Function -> the numbers of arguments it takes.
FUNCTIONS = {
    **dict.fromkeys(("ABS", "CEIL", "FLOOR"), (1,)),
    **dict.fromkeys(("AVG", "MAX", "MIN", "SUM"), (1,)),
    "FILL": (2,),
    "IF": (2, 3),
    "METRICS": (0, 1),
}
REDUCE: dict[str, Callable[[list[float]], float]] = {
    "AVG": lambda numbers: sum(numbers) / len(numbers),
    "MAX": max,
    "MIN": min,
    "SUM": sum,
}
EACH: dict[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}


class ExpressionError(ValueError):
    """The expression is not one that can be evaluated; the message says why."""


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Call:
    """A function, an operator, or "[]" for a list."""

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
        return {node.name} - {"REPEAT", "LINEAR"}
    return set().union(*map(names, node.arguments)) if isinstance(node, Call) else set()


def uses_all(node: Node) -> bool:
    """Whether it has METRICS(), which stands for every metric of the alarm."""
    if not isinstance(node, Call):
        return False
    return node.function == "METRICS" or any(map(uses_all, node.arguments))


def evaluate(node: Node, known: Mapping[str, Value], metrics: list[Series]) -> Value:
    """The value of an expression; `metrics` is what METRICS() stands for."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Name):
        return known[node.name]
    if node.function == "METRICS":
        return metrics
    if node.function == "FILL":
        return _filled(evaluate(node.arguments[0], known, metrics), node.arguments[1])
    values = [evaluate(argument, known, metrics) for argument in node.arguments]
    if node.function == "[]":
        return [_series(value) for value in values]
    if node.function == "IF":
        return _chosen(*values)
    if node.function in EACH:
        change = EACH[node.function]
        return _together(lambda number: float(change(number)), values[0])
    if node.function in REDUCE:
        return _reduced(REDUCE[node.function], values[0])
    return _together(SIGNS[node.function], *values)


def _together(change: Callable[..., float | None], *values: Value) -> Value:
    """Apply it at each moment; a number stands for itself at every one."""
    if any(_is_list(value) for value in values):
        raise ExpressionError("a list of metrics can only be given to a function that reduces it")
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


def _reduced(reduce: Callable[[list[float]], float], value: Value) -> Value:
    """Over time for one series, at each moment for a list of them."""
    if not isinstance(value, list):
        return value
    if not _is_list(value):
        numbers = [number for number in _series(value) if number is not None]
        nothing: Series = [None] * len(value)
        return reduce(numbers) if numbers else nothing
    lists = [_series(one) for one in value]  # type: ignore[arg-type]
    moments = zip(*lists, strict=True)
    present = ([number for number in moment if number is not None] for moment in moments)
    reduced: Series = [reduce(numbers) if numbers else None for numbers in present]
    return reduced


def _filled(value: Value, filler: Node) -> Value:
    if _is_list(value):
        return [_series(_filled(one, filler)) for one in value]  # type: ignore[union-attr, arg-type]
    if not isinstance(value, list):
        return value
    series = _series(value)
    if isinstance(filler, Number):
        with_number: Series = [filler.value if one is None else one for one in series]
        return with_number
    if filler != Name("REPEAT"):
        raise ExpressionError("FILL takes a number or REPEAT")
    last: float | None = None
    filled: Series = []
    for number in series:
        last = last if number is None else number
        filled.append(last)
    return filled


def _at_each(value: Value, length: int) -> Series:
    return _series(value) if isinstance(value, list) else [value] * length


def _series(value: Value) -> Series:
    if not isinstance(value, list) or _is_list(value):
        raise ExpressionError("a metric is needed where a number or a list stands")
    return value  # type: ignore[return-value]


def _is_list(value: Value) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], list)


def _real(base: float, exponent: float) -> float | None:
    try:
        result = base**exponent
    except (OverflowError, ZeroDivisionError):
        return None
    return result if isinstance(result, float) else None


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
            node = Call(WORDS.get(sign, sign), (node, self._level(level + 1)))
        return node

    def _single(self) -> Node:
        taken = self._take()
        if taken == "-":
            return Call("-", (Number(0.0), self._single()))
        if taken == "(":
            node = self._level(0)
            self._expect(")")
            return node
        if taken == "[":
            return Call("[]", self._arguments("]"))
        if taken[0].isdigit() or taken[0] == ".":
            return Number(float(taken))
        if taken in ("REPEAT", "LINEAR"):
            return Name(taken)
        if self._next() == "(":
            return self._call(taken)
        if taken[0].islower():
            return Name(taken)
        raise self._wrong(f"unexpected {taken!r}")

    def _call(self, function: str) -> Node:
        if function not in FUNCTIONS:
            raise self._wrong(f"there is no function {function} here")
        if function == "METRICS" and self._tokens[self._at + 1 : self._at + 2] != [")"]:
            raise self._wrong("METRICS() takes no filter here")
        self._take()
        arguments = self._arguments(")")
        if len(arguments) not in FUNCTIONS[function]:
            raise self._wrong(f"{function} does not take {len(arguments)} arguments")
        return Call(function, arguments)

    def _arguments(self, end: str) -> tuple[Node, ...]:
        arguments: list[Node] = []
        if self._next() == end:
            self._take()
            return ()
        while True:
            arguments.append(self._level(0))
            if self._take() == end:
                return tuple(arguments)
            if self._tokens[self._at - 1] != ",":
                raise self._wrong(f"a comma or {end} is missing")

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
