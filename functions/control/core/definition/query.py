"""What `gather.sql` may hold: one SELECT. Standard library only: pages name what gathered, too."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from core.definition.program import FILE as PROGRAM
from core.reading import mapping

FILE = "gather.sql"
# Athena takes 262,144 bytes, but the cause of a failed state, which repeats the query, only 32,768.
MOST_BYTES = 20_000
# A comment; text or a name in quotes; what begins one of these and never ends; a word; a mark.
_TOKEN = re.compile(
    r"(?P<comment>--[^\r\n]*|/\*.*?\*/)"
    r"|(?P<quoted>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")"
    r"|(?P<open>'|\"|/\*)"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<mark>[();])",
    re.DOTALL,
)


class QueryError(Exception):
    """gather.sql is not one SELECT; the message says where and how to fix it."""


def statement(content: bytes) -> str:
    """The one SELECT in gather.sql, without a semicolon at its end. Raises QueryError.

    What stands before it stays, so that a line which Athena names is the file's.

    Athena gets it inside UNLOAD (…), which takes nothing but a SELECT; so it may not close that
    parenthesis either.
    """
    if len(content) > MOST_BYTES:
        raise QueryError(
            f"{FILE} has {len(content)} bytes; write at most {MOST_BYTES}, or make it a view"
        )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise QueryError(f"{FILE} is not UTF-8 text (byte {error.start}); save it as UTF-8") from (
            error
        )
    end = _end(text)
    return text[:end].rstrip()


def _end(text: str) -> int:
    """Where the statement ends. Raises QueryError."""
    open_at: list[int] = []
    first, end = "", len(text)
    for kind, part, at in _tokens(text):
        if end < len(text):
            raise _wrong(text, at, "there are several statements; keep one SELECT")
        if kind == "open":
            raise _wrong(text, at, f"what {part} begins has no end; add it")
        if kind == "word" and not first:
            first = part
            if first.upper() not in ("SELECT", "WITH"):
                words = f"begins with {first[:60]}; write one SELECT, which may begin with WITH"
                raise _wrong(text, at, words)
        if part == "(":
            open_at.append(at)
        elif part == ")" and not open_at:
            raise _wrong(text, at, "this parenthesis closes nothing; remove it")
        elif part == ")":
            open_at.pop()
        elif part == ";":
            end = at
    if open_at:
        raise _wrong(text, open_at[-1], "this parenthesis is not closed; close it")
    if not first:
        raise QueryError(f"{FILE} is empty; write one SELECT")
    return end


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    for found in _TOKEN.finditer(text):
        kind = str(found.lastgroup)
        if kind != "comment":
            yield kind, found[0], found.start()


def _wrong(text: str, at: int, words: str) -> QueryError:
    line = text.count("\n", 0, at) + 1
    return QueryError(f"{FILE} line {line}: {words}")


def gathering_file(plan: Mapping[str, Any]) -> dict[str, str]:
    """The file that made a run's data, with the begin of its digest; empty where none did."""
    gather = mapping(plan.get("gather"))
    query, program = gather.get("query"), gather.get("program")
    if program:
        return {PROGRAM: f"{program}…"}
    return {FILE: f"{hashlib.sha256(str(query).encode()).hexdigest()[:12]}…"} if query else {}
