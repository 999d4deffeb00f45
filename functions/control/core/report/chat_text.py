"""Text of any origin, made safe for a chat message. Pure.

Slack and Teams format what they show, each in its own way, and Slack has no escape for all of its
signs. What is left of a text here is shown as it is written in both:

- `&`, `<` and `>` are entities. So nothing mentions a person or a channel, and no link hides where
  it leads: Slack writes links and mentions as `<…>`.
- Signs of formatting are replaced by signs that look alike. An underscore inside a word, as in
  `shell_weight`, formats nothing and stays, so that names can be copied.
- Control characters and those that reorder their neighbours are shown by their code.
"""

import re

from core.words.formats import clean

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# Brackets begin a link in Teams, and a backslash hides there.
_LIKE = {"*": "∗", "~": "∼", "`": "ˋ", "[": "［", "]": "］", "\\": "⧵"}
_UNDERSCORE, _LIKE_UNDERSCORE = "_", "ˍ"
# What would make a list or a heading of the line that it begins.
_BEGINS_A_BLOCK = re.compile(r"(#+|[+-]|\d+[.)])(\s|$)|[=-]+$")
_WORD_JOINER = "\u2060"


def plain(text: str, limit: int) -> str:
    """The text on one line, shown as it is written, in at most so many characters.

    >>> plain("<!channel> *shell_weight* & co", 60)
    '&lt;!channel&gt; ∗shell_weight∗ &amp; co'
    >>> plain("a < b", 4)
    'a …'
    """
    line = " ".join(clean(text).split())
    first = _WORD_JOINER if _BEGINS_A_BLOCK.match(line) else ""
    shown = [first, *(_shown(line, at) for at in range(len(line)))]
    if sum(map(len, shown)) <= limit:
        return "".join(shown)
    kept = ""
    for part in shown:  # an entity is never cut in two
        if len(kept) + len(part) >= limit:
            break
        kept += part
    return f"{kept}…"


def address(url: str) -> str:
    """An address that we made: of what chat reads as its own, only the ampersand is left in it.

    >>> address("https://x/s3/object/b?region=r&prefix=a")
    'https://x/s3/object/b?region=r&amp;prefix=a'
    """
    return url.replace("&", "&amp;")


def _shown(line: str, at: int) -> str:
    sign = line[at]
    if sign == _UNDERSCORE:
        inside = line[max(at - 1, 0) : at].isalnum() and line[at + 1 : at + 2].isalnum()
        return sign if inside else _LIKE_UNDERSCORE
    return _ENTITIES.get(sign) or _LIKE.get(sign, sign)
