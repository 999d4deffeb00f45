"""The texts that people read, by language, each looked up by its dotted key and filled in.

It covers what an approver or a subscriber sees: verdicts, pages, mail, registry, what happened with
a release. The command line's own help and errors stay in its commands, in English.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from core.words.language import speech
from core.words.spacing import spaced


def say(key: str, /, **values: object) -> str:
    """The text under a key, its placeholders filled.

    >>> say("number.interval", low="2.05", high="2.20")
    '2.05 to 2.20'
    """
    return unfilled(key, values).format(**values)


def unfilled(key: str, values: Mapping[str, object]) -> str:
    """The text under a key with its places, spaced as its language wants it for these values."""
    text = catalogue()[key]
    return spaced(text, values) if speech().language == "ja" else text


def found(section: str, name: str) -> str | None:
    """The text of a name that comes from outside; None where the section does not have it."""
    return catalogue().get(f"{section}.{name}")


def catalogue() -> Mapping[str, str]:
    """Every text by its key, in the language that is spoken."""
    return texts(speech().language)


@cache
def texts(language: str) -> Mapping[str, str]:
    """A language's texts by key. Read when the first is needed: some functions need none."""
    import tomllib

    file = Path(__file__).parent / f"{language}.toml"
    return dict(_flattened(tomllib.loads(file.read_text(encoding="utf-8"))))


def _flattened(document: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
