"""Japanese has a space between its own letters and Latin ones, and none between its own. Pure.

A text of the catalogue does not know what comes into its places: a metric is AUC or 再現率.
"""

import re
from collections.abc import Mapping
from string import Formatter

_JAPANESE = "[\u3001-\u30ff\u3400-\u9fff\uff01-\uff60]"
_ENDS = re.compile(f"{_JAPANESE}$")
_BEGINS = re.compile(_JAPANESE)


def spaced(text: str, values: Mapping[str, object]) -> str:
    """The text, its places unfilled, without the spaces that these values do not need.

    >>> spaced("候補の {metric} がない", {"metric": "AUC"})
    '候補の {metric} がない'
    >>> spaced("候補の {metric} がない", {"metric": "再現率"})
    '候補の{metric}がない'
    """
    parts = list(Formatter().parse(text))
    written = []
    before = ""
    for words, place, form, _ in parts:
        after = str(values.get(place, "")) if place and not form else ""
        kept = words
        if kept[:1] == " " and _ENDS.search(before) and _BEGINS.match(kept[1:]):
            kept = kept[1:]
        if kept[-1:] == " " and _BEGINS.match(after) and _ENDS.search(kept[:-1]):
            kept = kept[:-1]
        written.append(kept.replace("{", "{{").replace("}", "}}"))
        if place is not None:
            written.append(f"{{{place}:{form}}}" if form else f"{{{place}}}")
        before = after
    return "".join(written)
