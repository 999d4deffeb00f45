"""What a run's steps say, in the stage's language.

The steps run without the catalogue and write English. Their sentences are known by their form:
each text of the English [step] is one, and what stands in its places is kept. A sentence that is
not known, of another version of a step, stays as it is.
"""

import re
from functools import cache
from string import Formatter

from core.words.catalogue import say, texts
from core.words.formats import counted
from core.words.language import speech

_SECTION = "step."
_COUNT = re.compile(r"(?P<count>\d[\d,]*) (?P<thing>row|value)s?")


def translated(sentence: str) -> str:
    """
    >>> translated("12 of 4,177 rows were rejected and left out")
    '12 of 4,177 rows were rejected and left out'
    """
    if speech().language == "en":
        return sentence
    for name, form in _forms().items():
        known = form.fullmatch(sentence)
        if known:
            # A place may hold a sentence of its own: why a model could not be compared.
            inner = {place: _inner(value) for place, value in known.groupdict().items()}
            return say(f"step.{name}", **inner)
    return sentence


def _inner(value: str) -> str:
    """What stands in a place: a count with its noun, or anything else."""
    counts = _COUNT.fullmatch(value)
    if not counts:
        return translated(value)
    count = int(counts["count"].replace(",", ""))
    return counted(count, "row") if counts["thing"] == "row" else counted(count, "value")


@cache
def _forms() -> dict[str, re.Pattern[str]]:
    """The form of each English sentence, by its name in the catalogue."""
    return {
        key.removeprefix(_SECTION): re.compile(_form(text), re.DOTALL)
        for key, text in texts("en").items()
        if key.startswith(_SECTION)
    }


def _form(text: str) -> str:
    parts = []
    for words, place, _, _ in Formatter().parse(text):
        parts.append(re.escape(words))
        if place:
            parts.append(f"(?P<{place}>.+?)")
    return "".join(parts)
