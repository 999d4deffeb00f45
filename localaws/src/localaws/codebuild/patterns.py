"""The patterns of `artifacts` and `cache`: `*` within a name, `**` across folders."""

import re
from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression over paths with "/", relative to the base folder."""
    parts, rest = [], pattern.removeprefix("./")
    while rest:
        for sign, expression in (("**/", "(?:.*/)?"), ("**", ".*"), ("*", "[^/]*"), ("?", "[^/]")):
            if rest.startswith(sign):
                parts.append(expression)
                rest = rest[len(sign) :]
                break
        else:
            choice = re.match(r"\[[^\[\]/]+\]", rest)
            parts.append(choice[0].replace("[!", "[^") if choice else re.escape(rest[0]))
            rest = rest[choice.end() if choice else 1 :]
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error:  # such as [b-a]: then these are letters of a name
        return re.compile(re.escape(pattern))


def matches(pattern: str, path: str) -> bool:
    """
    >>> [matches(p, "a/b/c.txt") for p in ("**/*", "a/*", "a/**/*", "**/c.txt", "a/b/c.txt")]
    [True, False, True, True, True]
    """
    return compiled(pattern).fullmatch(path) is not None


def selected(paths: Iterable[str], patterns: Iterable[str], exclude: Iterable[str]) -> list[str]:
    """The paths that one of the patterns names and none excludes, in the paths' order."""
    wanted, unwanted = list(patterns), list(exclude)
    return [
        path
        for path in paths
        if any(matches(pattern, path) for pattern in wanted)
        and not any(matches(pattern, path) for pattern in unwanted)
    ]
