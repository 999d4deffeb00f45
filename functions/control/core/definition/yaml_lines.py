"""YAML as plain data, and the line of each key.

Reads the YAML 1.2 core schema, not PyYAML's 1.1: `yes` and `2026-01-01` stay text and `1e-3` is a
number, as an author expects. Anchors, tags and several documents in one file are refused: nothing
here needs them, and without them no small file can unfold into a large one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

Path = tuple[str | int, ...]

LONGEST_TEXT = 200_000
DEEPEST_NESTING = 20
LARGEST_NUMBER = 2**63


@dataclass(frozen=True)
class Marked:
    """`lines` maps the path of every key and list entry to its line, counted from 1."""

    value: object
    lines: dict[Path, int]


@dataclass(frozen=True)
class Complaint:
    path: Path
    line: int
    words: str


class MarkedYamlError(Exception):
    """The text is not YAML that can be read."""

    def __init__(self, complaints: list[Complaint]) -> None:
        super().__init__("; ".join(complaint.words for complaint in complaints))
        self.complaints = complaints


class _CoreLoader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


_TAG = "tag:yaml.org,2002:"
_SCALARS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+0123456789."),
    ),
}
for _name, (_pattern, _first) in _SCALARS.items():
    _CoreLoader.add_implicit_resolver(_TAG + _name, re.compile(f"(?:{_pattern})$"), _first)


def read_marked(text: str) -> Marked:
    """Read one YAML document of mappings, lists and scalars.

    >>> read_marked("a: [1, yes]").value
    {'a': [1, 'yes']}
    """
    if len(text) > LONGEST_TEXT:
        raise MarkedYamlError([Complaint((), 1, f"is longer than {LONGEST_TEXT} characters")])
    try:
        _refuse_unfolding(text)
        node = yaml.compose(text, _CoreLoader)
    except yaml.MarkedYAMLError as error:
        raise MarkedYamlError([Complaint((), *_syntax(error))]) from error
    except yaml.YAMLError as error:
        raise MarkedYamlError([Complaint((), *_unreadable_character(text, error))]) from error
    except (ValueError, OverflowError) as error:
        # PyYAML lets these out for an escape like "\UFFFFFFFF" and an endless %YAML version.
        words = f"is not YAML: {error}; fix the escape sequence or directive"
        raise MarkedYamlError([Complaint((), 1, words)]) from error
    if node is None:
        return Marked(None, {})
    reader = _Reader()
    value = reader.read(node, ())
    if reader.complaints:
        raise MarkedYamlError(reader.complaints)
    return Marked(value, reader.lines)


def _refuse_unfolding(text: str) -> None:
    """Raise before the text is composed, which would recurse as deep as the text nests."""
    depth = 0
    for event in yaml.parse(text, _CoreLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            words = f"the alias *{event.anchor} is not supported; write the value out"
            raise MarkedYamlError([Complaint((), line, words)])
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST_NESTING:
            words = f"nests deeper than {DEEPEST_NESTING} levels; flatten it"
            raise MarkedYamlError([Complaint((), line, words)])


def _syntax(error: yaml.MarkedYAMLError) -> tuple[int, str]:
    """The line where reading stopped, and where what it was reading began."""
    mark: Any = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    begun: Any = error.context_mark
    since = ""
    if begun and begun.line + 1 != line:
        since = f" ({error.context} that begins on line {begun.line + 1})"
    return line, f"is not YAML: {error.problem or error.context}{since}; fix the line"


def _unreadable_character(text: str, error: yaml.YAMLError) -> tuple[int, str]:
    position = getattr(error, "position", None)
    if not isinstance(position, int):
        return 1, f"is not YAML: {' '.join(str(error).split())}; fix the file"
    line = text.count("\n", 0, position) + 1
    return line, f"holds the unprintable character {text[position]!a}; remove it"


class _Reader:
    """Walks the composed nodes once, collecting lines and complaints."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self.complaints: list[Complaint] = []

    def read(self, node: yaml.Node, path: Path) -> object:
        line: int = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return dict(self._pairs(node, path))
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self.read(child, (*path, i)) for i, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path, line)
        self._complain(path, line, f"the tag {node.tag} is not supported; remove it")
        return None

    def _pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, object]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._complain(path, line, "a key must be one word, not a list or mapping")
                continue
            key = _printable(key_node.value)
            here = (*path, key)
            if key in seen:
                self._complain(here, line, f"is already on line {seen[key]}; keep one of the two")
                continue
            seen[key] = line
            self.lines[here] = line
            yield key, self.read(value_node, here)

    def _scalar(self, node: yaml.ScalarNode, path: Path, line: int) -> Any:
        text: str = node.value
        match node.tag.removeprefix(_TAG):
            case "str":
                if text != _printable(text):
                    self._complain(path, line, "holds half of a surrogate pair; remove it")
                return text
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                # Longer ones are refused before int() is asked, which has a limit of its own.
                if len(text) > 20 or abs(int(text)) >= LARGEST_NUMBER:
                    self._complain(path, line, "is too large a number")
                    return None
                return int(text)
            case "float":
                return float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
        self._complain(path, line, f"the tag {node.tag} is not supported; remove it")
        return None

    def _complain(self, path: Path, line: int, words: str) -> None:
        self.complaints.append(Complaint(path, line, words))


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
