"""What the steps say, in the stage's language.

The steps run without the catalogue and write English. Their sentences are known by their form:
each text of the English [step] is one, and what stands in its places is kept. A test holds that
every sentence in the steps' code has its form. One that is not known, of another version of a step
or of a library, stays as it is.

What is wrong with data is written `place: 'value' what; fix`, several of it with a number each.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from string import Formatter

from core.words.catalogue import say, texts
from core.words.formats import counted, one_line
from core.words.language import speech

# Whole sentences have no section of their own.
_STEP, WHOLE, WHAT, FIX = "step.", "", "what", "fix"
_LONGEST_VALUE = 60
_COUNT = re.compile(r"(?P<count>\d[\d,]*) (?P<thing>row|value)s?")
_SEVERAL = re.compile(
    r"(?P<count>\d[\d,]*) problems with the data"
    r"(?: \((?P<bad>[\d,]+) of (?P<read>[\d,]+) rows are bad\))?: (?P<problems>\(1\) .*)",
    re.DOTALL,
)
_NUMBER = re.compile(r"(?:^| \| )\(\d+\) ")
_ALIKE = re.compile(r"(?P<problem>.*) \(and (?P<more>[\d,]+) more like it\)", re.DOTALL)
_MORE = re.compile(r"and (?P<more>[\d,]+) more(?P<kinds> kinds of problem)?")
_VALUE = re.compile(r"""(?P<value>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*") (?P<what>.*)""", re.DOTALL)
_PLACE = re.compile(
    r"(?P<file>.*?)(?: row (?P<row>\d+)(?: \(line (?P<line>\d+)\))?| line (?P<alone>\d+))?"
    r"(?:(?:, |^)column (?P<column>.*))?"
)


def translated(message: str) -> str:
    """What a step said, whatever it was about.

    >>> translated("12 of 4,177 rows were rejected and left out")
    '12 of 4,177 rows were rejected and left out'
    """
    if speech().language == "en":
        return message
    several = _SEVERAL.fullmatch(message)
    if several is None:
        return _one(message)
    listed = enumerate(_NUMBER.split(several["problems"])[1:], start=1)
    problems = " | ".join(f"({number}) {_one(each)}" for number, each in listed)
    known = {name: value for name, value in several.groupdict().items() if value is not None}
    how = "several_bad" if "bad" in known else "several"
    return say(f"problem.{how}", **{**known, "problems": problems})


def problem(entry: Mapping[str, object]) -> str | None:
    """One thing wrong with the data, as preprocess.json and evaluation.json list it; None for
    anything else.

    >>> problem({"what": "is not a number", "fix": "correct it", "file": "a.csv", "row": 3,
    ...     "line": 4, "column": "age", "value": "x"})
    "a.csv row 3 (line 4), column age: 'x' is not a number; correct it"
    """
    what, fix = entry.get("what"), entry.get("fix")
    if not isinstance(what, str) or not isinstance(fix, str):
        return None
    if speech().language != "en":
        what, fix = _known(what, WHAT) or what, _known(fix, FIX) or fix
    value = entry.get("value")
    shown = None if value is None else repr(one_line(value, _LONGEST_VALUE))
    where = _written_place(*(entry.get(name) for name in ("file", "row", "line", "column")))
    return _fixed(_at(where, _of_value(shown, what)), fix)


def _one(message: str) -> str:
    """A sentence that is known as a whole, or one problem."""
    if alike := _ALIKE.fullmatch(message):
        return say("problem.alike", problem=_one(alike["problem"]), more=alike["more"])
    if more := _MORE.fullmatch(message):
        return say(f"problem.more{'_kinds' if more['kinds'] else ''}", more=more["more"])
    return _known(message) or _problem(message) or _known(message, FIX) or message


def _problem(message: str) -> str | None:
    """Found from its end: the fix is known by its form, then what is wrong, and before it is where.

    What is wrong may itself have a semicolon, and so may the fix.
    """
    for before, after in _splits(message, "; "):
        fix, what = _known(after, FIX), _what(before)
        if fix is not None and what is not None:
            return _fixed(what, fix)
    return _what(message)


def _what(words: str) -> str | None:
    known = _with_value(words)
    if known is not None:
        return known
    for before, after in _splits(words, ": "):
        known = _with_value(after)
        if known is not None:
            return _at(_place(before), known)
    return None


def _with_value(words: str) -> str | None:
    known = _known(words, WHAT)
    if known is not None:
        return known
    found = _VALUE.fullmatch(words)
    what = _known(found["what"], WHAT) if found else None
    return _of_value(found["value"], what) if found and what is not None else None


def _splits(words: str, sign: str) -> Iterator[tuple[str, str]]:
    """What is before and after each such sign, from the first to the last."""
    at = words.find(sign)
    while at >= 0:
        yield words[:at], words[at + len(sign) :]
        at = words.find(sign, at + 1)


def _place(words: str) -> str:
    found = _PLACE.fullmatch(words)
    if found is None:
        return words
    line = found["line"] or found["alone"]
    return _written_place(found["file"], found["row"], line, found["column"])


def _written_place(file: object, row: object, line: object, column: object) -> str:
    """Where something is: what of it is known."""
    where = str(file or "")
    if row is not None and line is not None:
        where = say("problem.row_of_line", file=where, row=row, line=line)
    elif row is not None:
        where = say("problem.row", file=where, row=row)
    elif line is not None:
        where = say("problem.line", file=where, line=line)
    if column is None:
        return where.strip()
    named = say("problem.column", column=column)
    return say("problem.column_of", place=where.strip(), column=column) if where else named


def _at(place: str, words: str) -> str:
    return say("problem.at", place=place, words=words) if place else words


def _of_value(value: str | None, what: str) -> str:
    return what if value is None else say("problem.value", value=value, what=what)


def _fixed(what: str, fix: str) -> str:
    return say("problem.fixed", what=what, fix=fix)


def _known(sentence: str, section: str = WHOLE) -> str | None:
    """The sentence, if it has one of the forms of this section."""
    for name, form in _forms(section).items():
        found = form.fullmatch(sentence)
        if found:
            # A place may hold a sentence of its own: why a model could not be compared.
            inner = {place: _inner(value) for place, value in found.groupdict().items()}
            if section == WHOLE:
                return say(f"step.{name}", **inner)
            return say(f"step.{section}.{name}", **inner)
    return None


def _inner(value: str) -> str:
    """What stands in a place: a count with its noun, a sentence, or a value of the data."""
    counts = _COUNT.fullmatch(value)
    if not counts:
        if " " not in value:
            return value
        known = _known(value) or _known(value, WHAT) or _known(value, FIX)
        return known or _problem(value) or value
    count = int(counts["count"].replace(",", ""))
    return counted(count, "row") if counts["thing"] == "row" else counted(count, "value")


@cache
def _forms(section: str) -> dict[str, re.Pattern[str]]:
    """The form of each English sentence, by its name in the catalogue; that with the most words of
    its own comes first."""
    found = {
        name: list(Formatter().parse(text))
        for key, text in texts("en").items()
        if key.startswith(_STEP)
        for of, _, name in [key.removeprefix(_STEP).rpartition(".")]
        if of == section
    }
    ordered = sorted(found, key=lambda name: -sum(len(words) for words, *_ in found[name]))
    return {name: re.compile(_form(found[name]), re.DOTALL) for name in ordered}


def _form(parts: list[tuple[str, str | None, str | None, str | None]]) -> str:
    return "".join(
        re.escape(words) + (f"(?P<{place}>.+?)" if place else "") for words, place, *_ in parts
    )
