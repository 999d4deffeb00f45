"""What stands between the parts of a list, and between sentences. Pure."""

from collections.abc import Iterable

from core.words.catalogue import say


def enumerated(parts: Iterable[str]) -> str:
    """Names or short words, one after the other.

    >>> enumerated(["sex", "age"])
    'sex, age'
    """
    return say("list.comma").join(parts)


def clauses(parts: Iterable[str]) -> str:
    """Longer words, which may have commas themselves."""
    return say("list.semicolon").join(parts)


def sentences(*parts: str) -> str:
    """Whole sentences; what is empty is left out."""
    return say("list.space").join(part for part in parts if part)
