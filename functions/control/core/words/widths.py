"""How wide text is drawn, where a Japanese character is twice as wide as a Latin one. Pure."""

import unicodedata

from core.words.formats import shorten


def fitted(text: str, columns: int) -> str:
    """Shortened to at most so many columns, as `width` counts them.

    >>> fitted("length of the shell", 12), fitted("加入期間", 12), fitted("加入してからの期間", 12)
    ('length …hell', '加入期間', '加入し…期間')
    """
    if len(text) <= columns and width(text) <= columns:
        return text
    most = min(len(text), columns)  # of more characters, all are wider
    return next(
        (cut for few in range(most, 0, -1) if width(cut := shorten(text, few)) <= columns), ""
    )


def width(text: str) -> int:
    """How wide text is, in the width of a Latin letter."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
