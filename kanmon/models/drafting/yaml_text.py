"""Texts as YAML writes them."""

import json
import re

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
WORDS_WITH_A_MEANING = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def scalar(text: str) -> str:
    """A text as YAML, in quotes unless it is a plain word.

    >>> scalar("sex"), scalar("yes"), scalar("a, b")
    ('sex', '"yes"', '"a, b"')
    """
    if PLAIN.fullmatch(text) and text.lower() not in WORDS_WITH_A_MEANING:
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """A text in quotes, so that it is never read as a number; all letters are kept.

    >>> quoted("1"), quoted("tab\\t"), quoted("\\u200b")
    ('"1"', '"tab\\\\t"', '"\\\\u200b"')
    """
    return "".join(
        # JSON would write a surrogate pair, which YAML does not know.
        letter if letter.isprintable() or ord(letter) < 0x80 else _escape(letter)
        for letter in json.dumps(text, ensure_ascii=False)
    ).replace("\x7f", "\\x7f")


def _escape(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"


def sequence(texts: list[str]) -> str:
    """
    >>> sequence(["", "NA"])
    '["", NA]'
    """
    return f"[{', '.join(scalar(text) for text in texts)}]"
